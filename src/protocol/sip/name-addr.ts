import { type Parameters, parseParameters, unquote } from './parameters.ts'

/** A From, To, Contact, Route or Record-Route value (RFC 3261 §20.10). */
export interface NameAddr {
  readonly displayName: string | undefined
  readonly uri: string
  /** Those of the header field, `tag` among them; not those of the URI. */
  readonly parameters: Parameters
}

const QUOTED_NAME = /^"((?:[^"\\]|\\.)*)"\s*/s
const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*:/

/**
 * `"Name" <uri>;parameters`, `Name <uri>` or `uri;parameters`: without angle brackets every parameter is the header field's (RFC 3261 §20). Undefined when
 * there is no URI.
 */
export const parseNameAddr = (text: string): NameAddr | undefined => {
  const trimmed = text.trim()
  const quoted = QUOTED_NAME.exec(trimmed)
  // A quoted string that never ends (RFC 4475 §3.1.2.6).
  if (!quoted && trimmed.startsWith('"')) return undefined
  const rest = quoted ? trimmed.slice(quoted[0].length) : trimmed
  const open = rest.indexOf('<')
  if (open < 0) return quoted ? undefined : bare(rest)
  const close = rest.indexOf('>', open)
  if (close < 0) return undefined
  const name = quoted ? unquote(quoted[0].trim()) : rest.slice(0, open).trim()
  const uri = rest.slice(open + 1, close).trim()
  if (!isUri(uri)) return undefined
  return {
    displayName: name === '' ? undefined : name,
    uri,
    parameters: parseParameters(rest.slice(close + 1)).parameters,
  }
}

const bare = (text: string): NameAddr | undefined => {
  const { value, parameters } = parseParameters(text)
  return isUri(value) ? { displayName: undefined, uri: value, parameters } : undefined
}

const isUri = (text: string): boolean => SCHEME.test(text) && !/[\s<>"]/.test(text)
