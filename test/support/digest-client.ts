import { type DigestAuthorization, type DigestChallenge, parseFields } from '../../src/protocol/sip/digest.ts'
import { quote } from '../../src/protocol/sip/parameters.ts'

const ALGORITHMS = ['SHA-256', 'MD5'] as const

/**
 * A WWW-Authenticate or Proxy-Authenticate value (RFC 7616 §3.3), or undefined when it is no Digest, or one with an algorithm or protection that is not
 * ours: then a client looks at the next challenge (RFC 8760 §2.4).
 */
export const parseDigestChallenge = (value: string): DigestChallenge | undefined => {
  const fields = parseFields(value)
  const [realm, nonce, opaque] = [fields?.get('realm'), fields?.get('nonce'), fields?.get('opaque')]
  const name = (fields?.get('algorithm') ?? 'MD5').toUpperCase()
  const algorithm = ALGORITHMS.find((each) => each === name)
  if (!fields || realm === undefined || nonce === undefined || algorithm === undefined) return undefined
  const offered = fields
    .get('qop')
    ?.toLowerCase()
    .split(',')
    .map((word) => word.trim())
  if (offered && !offered.includes('auth')) return undefined
  return {
    realm,
    nonce,
    algorithm,
    qop: offered ? ['auth'] : [],
    stale: fields.get('stale')?.toLowerCase() === 'true',
    ...(opaque === undefined ? {} : { opaque }),
  }
}

/** An Authorization value. What RFC 7616 §3.4 quotes is quoted, and nothing else: servers are picky. */
export const formatDigestAuthorization = (parts: DigestAuthorization): string => {
  const { username, realm, nonce, uri, response, algorithm, qop, nc, cnonce, opaque } = parts
  const fields: readonly (readonly [name: string, value: string | undefined])[] = [
    ['username', quote(username)],
    ['realm', quote(realm)],
    ['nonce', quote(nonce)],
    ['uri', quote(uri)],
    ['response', quote(response)],
    ['algorithm', algorithm],
    ['cnonce', cnonce === undefined ? undefined : quote(cnonce)],
    ['opaque', opaque === undefined ? undefined : quote(opaque)],
    ['qop', qop],
    ['nc', nc],
  ]
  const said = fields.filter(([, text]) => text !== undefined)
  return `Digest ${said.map(([name, text]) => `${name}=${text}`).join(', ')}`
}
