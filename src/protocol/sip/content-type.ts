import { isToken, type Parameters, parseParameters } from './parameters.ts'

/** A Content-Type (RFC 3261 §20.15). */
export interface ContentType {
  /** `type/subtype`, lower case. */
  readonly type: string
  readonly parameters: Parameters
}

/** Its parts, or undefined when it is none. */
export const parseContentType = (text: string): ContentType | undefined => {
  const { value, parameters } = parseParameters(text)
  const [type = '', subtype = '', ...rest] = value.split('/').map((part) => part.trim())
  if (!isToken(type) || !isToken(subtype) || rest.length > 0) return undefined
  return { type: `${type}/${subtype}`.toLowerCase(), parameters }
}
