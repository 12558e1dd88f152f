/** Longer than any way of writing one: `SHA256 Fingerprint=` and 32 bytes with colons. */
const TEXT_MAX = 128
/** What tools write before it: `sha256:`, `SHA256=`, `SHA-256 ` (RFC 8122 §5), `sha256 Fingerprint=` (openssl). */
const PREFIX = /^sha-?256(?: fingerprint)?[:= ]/i
const PLAIN = /^[0-9a-f]{64}$/
const WITH_COLONS = /^[0-9a-f]{2}(?::[0-9a-f]{2}){31}$/

/**
 * The SHA-256 fingerprint of a certificate (over its DER, RFC 8122 §5) in its one canonical form: 64 lower-case hexadecimal digits. Takes it with or
 * without colons, in either case, with the prefixes that tools write. Undefined for anything else.
 */
export const normaliseFingerprint = (text: string): string | undefined => {
  if (text.length > TEXT_MAX) return undefined
  const digits = text.trim().replace(PREFIX, '').toLowerCase()
  return PLAIN.test(digits) || WITH_COLONS.test(digits) ? digits.replaceAll(':', '') : undefined
}
