import { type Parameters, parseParameters, quote } from './parameters.ts'

/** What a client proves in an Authorization header field (RFC 7616 §3.4). */
export interface DigestAuthorization {
  readonly username: string
  readonly realm: string
  readonly nonce: string
  readonly uri: string
  readonly response: string
  /** As it came; MD5 when absent. */
  readonly algorithm: string | undefined
  readonly qop: string | undefined
  /** Eight hexadecimal digits, with qop. */
  readonly nc: string | undefined
  readonly cnonce: string | undefined
  readonly opaque: string | undefined
}

/** What a server asks for (RFC 7616 §3.3, RFC 8760 §2.4). */
export interface DigestChallenge {
  readonly realm: string
  readonly nonce: string
  readonly algorithm: 'SHA-256' | 'MD5'
  readonly qop: readonly 'auth'[]
  readonly stale?: boolean
  readonly opaque?: string
}

/** Hash of a text as lower-case hexadecimal. */
export type DigestHash = (text: string) => string

const CHARACTERS_MAX = 4_096
const DIGEST = /^digest\s+/i

/** An Authorization value, or undefined when it is no Digest or lacks what every Digest has. */
export const parseDigestAuthorization = (value: string): DigestAuthorization | undefined => {
  const fields = parseFields(value)
  const get = (name: string) => fields?.get(name)
  const [username, realm, nonce, uri, response] = ['username', 'realm', 'nonce', 'uri', 'response'].map(get)
  if (username === undefined || realm === undefined || nonce === undefined) return undefined
  if (uri === undefined || response === undefined) return undefined
  return {
    username,
    realm,
    nonce,
    uri,
    response,
    algorithm: get('algorithm'),
    qop: get('qop'),
    nc: get('nc'),
    cnonce: get('cnonce'),
    opaque: get('opaque'),
  }
}

/** The fields of a Digest value by lower-case name, or undefined when it is none. Separated by commas, they are otherwise as parameters are. */
export const parseFields = (value: string): Parameters | undefined =>
  DIGEST.test(value) && value.length <= CHARACTERS_MAX
    ? parseParameters(`;${separate(value.replace(DIGEST, ''))}`).parameters
    : undefined

/**
 * Commas outside quoted strings become semicolons. A string that never ends takes the rest, a lone backslash at its end included: the pattern never fails once it
 * has begun, so that time stays linear.
 */
const separate = (text: string): string =>
  text.replace(/"(?:[^"\\]|\\(?:.|$))*(?:"|$)|,/gs, (found) => (found === ',' ? ';' : found))

/** A challenge as the value of WWW-Authenticate. */
export const formatDigestChallenge = ({ realm, nonce, algorithm, qop, stale, opaque }: DigestChallenge): string =>
  [
    `Digest realm=${quote(realm)}`,
    `nonce=${quote(nonce)}`,
    ...(opaque === undefined ? [] : [`opaque=${quote(opaque)}`]),
    `algorithm=${algorithm}`,
    ...(qop.length === 0 ? [] : [`qop=${quote(qop.join(','))}`]),
    ...(stale ? ['stale=true'] : []),
  ].join(', ')

/**
 * The response that proves a password (RFC 7616 §3.4.1): with `qop` auth, or without one as RFC 2069 had it. Undefined for another qop, and for a qop without its
 * count and client nonce. `ha1` is H(username:realm:password).
 */
export const digestResponse = (
  parts: Pick<DigestAuthorization, 'nonce' | 'uri' | 'qop' | 'nc' | 'cnonce'> & {
    readonly ha1: string
    readonly method: string
  },
  hash: DigestHash,
): string | undefined => {
  const { ha1, method, nonce, uri, qop, nc, cnonce } = parts
  const ha2 = hash(`${method}:${uri}`)
  if (qop === undefined) return hash(`${ha1}:${nonce}:${ha2}`)
  if (qop.toLowerCase() !== 'auth' || !/^[0-9a-f]{8}$/i.test(nc ?? '') || !cnonce) return undefined
  return hash(`${ha1}:${nonce}:${nc}:${cnonce}:${qop}:${ha2}`)
}
