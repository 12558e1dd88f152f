/** The text of an XML document, and whether some of its bytes were none. */
export interface DecodedXml {
  readonly text: string
  /** Bytes that are no text in the document's encoding became U+FFFD. */
  readonly isDamaged: boolean
}

const DECLARATION_BYTES_MAX = 256
const ENCODING = /^\s*<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z][\w.:-]{0,63})["']/
const LESS_THAN = 0x3c
const UTF_8 = 'utf-8'
/** UTF-16 is here since some write it above text that is UTF-8: by then the bytes have shown that they are not UTF-16. */
const ENCODINGS: Readonly<Record<string, string>> = {
  'utf-8': UTF_8,
  utf8: UTF_8,
  'us-ascii': UTF_8,
  ascii: UTF_8,
  'utf-16': UTF_8,
  'utf-16le': UTF_8,
  'utf-16be': UTF_8,
  'iso-8859-1': 'latin1',
  'latin-1': 'latin1',
  latin1: 'latin1',
  'windows-1252': 'latin1',
}

/**
 * Bytes as text: by their byte order mark or the look of their first characters, else by the `charset` of their media type when it is known (RFC 7865 §5.1), else by
 * what they declare (XML 1.0 §4.3.3, appendix F). UTF-8, UTF-16 and Latin-1. White space and zero bytes around the document are left out. Otherwise why they cannot be
 * read.
 */
export const decodeXml = (bytes: Uint8Array, charset?: string): DecodedXml | { readonly reason: string } => {
  const encoding = sniffed(bytes) ?? (charset === undefined ? undefined : known(charset)) ?? declared(bytes)
  if (encoding === undefined) return { reason: 'an encoding other than UTF-8, UTF-16 and Latin-1' }
  const text = trimmed(new TextDecoder(encoding).decode(bytes))
  return { text, isDamaged: encoding !== 'latin1' && text.includes('\ufffd') }
}

const sniffed = (bytes: Uint8Array): string | undefined => {
  const [first, second, third] = bytes
  if (first === 0xef && second === 0xbb && third === 0xbf) return UTF_8
  if (first === 0xff && second === 0xfe) return 'utf-16le'
  if (first === 0xfe && second === 0xff) return 'utf-16be'
  if (first === LESS_THAN && second === 0) return 'utf-16le'
  if (first === 0 && second === LESS_THAN) return 'utf-16be'
  return undefined
}

const declared = (bytes: Uint8Array): string | undefined => {
  const start = new TextDecoder('latin1').decode(bytes.subarray(0, DECLARATION_BYTES_MAX))
  const name = ENCODING.exec(start)?.[1]
  return name === undefined ? UTF_8 : known(name)
}

const known = (name: string): string | undefined => {
  const key = name.toLowerCase()
  return Object.hasOwn(ENCODINGS, key) ? ENCODINGS[key] : undefined
}

/** Without what some senders put around a document: line ends before it, where XML allows none, and the zero byte of a C string behind it. */
const trimmed = (text: string): string => {
  let [start, end] = [0, text.length]
  while (start < end && isPadding(text.charCodeAt(start))) start += 1
  while (end > start && isPadding(text.charCodeAt(end - 1))) end -= 1
  return text.slice(start, end)
}

const isPadding = (code: number): boolean =>
  code === 0x20 || code === 0x0d || code === 0x0a || code === 0x09 || code === 0
