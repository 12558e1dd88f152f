/** Parameters of a header field by lower-case name; undefined for those without a value. Quoted values come without their quotes. */
export type Parameters = ReadonlyMap<string, string | undefined>

const PARAMETERS_MAX = 64
const TOKEN = /^[A-Za-z0-9\-.!%*_+`'~]+$/

/** Cuts at separators that are not in a quoted string; at most {@link PARAMETERS_MAX} pieces. */
const cutAt = (text: string, separator: string): readonly string[] => {
  const pieces: string[] = []
  let from = 0
  let isQuoted = false
  for (let at = 0; at < text.length && pieces.length < PARAMETERS_MAX; at += 1) {
    const character = text[at]
    if (isQuoted && character === '\\') at += 1
    else if (character === '"') isQuoted = !isQuoted
    else if (character === separator && !isQuoted) {
      pieces.push(text.slice(from, at))
      from = at + 1
    }
  }
  pieces.push(text.slice(from))
  return pieces
}

/** The text of a quoted string (RFC 3261 §25.1), or the text as it is. */
export const unquote = (text: string): string =>
  text.length >= 2 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1).replace(/\\(.)/gs, '$1') : text

/** A text as a quoted string. */
export const quote = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`

/** `a;b=c;d="e"`: what stands before the first semicolon, and the parameters behind it. The first of two with one name counts. */
export const parseParameters = (text: string): { readonly value: string; readonly parameters: Parameters } => {
  const [value = '', ...rest] = cutAt(text, ';')
  const parameters = new Map<string, string | undefined>()
  for (const piece of rest) {
    const equals = piece.indexOf('=')
    const name = (equals < 0 ? piece : piece.slice(0, equals)).trim().toLowerCase()
    if (name === '' || parameters.has(name)) continue
    parameters.set(name, equals < 0 ? undefined : unquote(piece.slice(equals + 1).trim()))
  }
  return { value: value.trim(), parameters }
}

/** `;a=b;c="d e"`, quoted where a token would not do. */
export const formatParameters = (parameters: Parameters): string =>
  [...parameters].map(([name, value]) => `;${name}${value === undefined ? '' : `=${formatValue(value)}`}`).join('')

/** Addresses in brackets are values of Via parameters, too (RFC 3261 §25.1, RFC 5118 §4.5). */
const formatValue = (value: string): string =>
  TOKEN.test(value) || /^\[?[0-9A-Fa-f:.]+\]?$/.test(value) ? value : quote(value)

/** True for a token (RFC 3261 §25.1). */
export const isToken = (text: string): boolean => TOKEN.test(text)
