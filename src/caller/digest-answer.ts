import { createHash, randomBytes } from 'node:crypto'

/** What a caller proves itself with. */
export interface Credentials {
  readonly username: string
  readonly password: string
  /** Answers only this challenge when there are several; the strongest unless said. */
  readonly algorithm?: DigestAlgorithm
}

export type DigestAlgorithm = 'SHA-256' | 'MD5'

interface Challenge {
  readonly algorithm: DigestAlgorithm
  readonly realm: string
  readonly nonce: string
  readonly opaque: string | undefined
  readonly hasAuth: boolean
}

const HASHES = { 'SHA-256': 'sha256', MD5: 'md5' } as const
const PARAMETER = /([a-z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/gi
const CHALLENGE_MAX_CHARACTERS = 4096
const CNONCE_BYTES = 12

/**
 * The value of the Authorization (or Proxy-Authorization) that answers one of these challenges (RFC 7616 §3.4, RFC 8760); undefined when none of them is a
 * Digest that we know.
 */
export const answerChallenge = (
  challenges: readonly string[],
  request: { readonly method: string; readonly uri: string },
  credentials: Credentials,
): string | undefined => {
  const known = challenges.map(parseChallenge).filter((challenge) => challenge !== undefined)
  const order: readonly DigestAlgorithm[] = credentials.algorithm ? [credentials.algorithm] : ['SHA-256', 'MD5']
  const challenge = order.map((name) => known.find(({ algorithm }) => algorithm === name)).find((found) => found)
  return challenge && answer(challenge, request, credentials)
}

const parseChallenge = (text: string): Challenge | undefined => {
  if (!/^digest\s/i.test(text) || text.length > CHALLENGE_MAX_CHARACTERS) return undefined
  const parameters = new Map(
    [...text.slice('digest'.length).matchAll(PARAMETER)].map(([, name = '', quoted, token]) => [
      name.toLowerCase(),
      quoted?.replace(/\\(.)/g, '$1') ?? token ?? '',
    ]),
  )
  const algorithm = (parameters.get('algorithm') ?? 'MD5').toUpperCase()
  const realm = parameters.get('realm')
  const nonce = parameters.get('nonce')
  if ((algorithm !== 'SHA-256' && algorithm !== 'MD5') || realm === undefined || nonce === undefined) return undefined
  const qops = parameters
    .get('qop')
    ?.split(',')
    .map((qop) => qop.trim().toLowerCase())
  if (qops && !qops.includes('auth')) return undefined
  return { algorithm, realm, nonce, opaque: parameters.get('opaque'), hasAuth: qops !== undefined }
}

const answer = (
  { algorithm, realm, nonce, opaque, hasAuth }: Challenge,
  { method, uri }: { readonly method: string; readonly uri: string },
  { username, password }: Credentials,
): string => {
  const hash = (text: string) => createHash(HASHES[algorithm]).update(text).digest('hex')
  const ha1 = hash(`${username}:${realm}:${password}`)
  const ha2 = hash(`${method}:${uri}`)
  const cnonce = randomBytes(CNONCE_BYTES).toString('hex')
  const count = '00000001'
  const response = hasAuth ? hash(`${ha1}:${nonce}:${count}:${cnonce}:auth:${ha2}`) : hash(`${ha1}:${nonce}:${ha2}`)
  return [
    `Digest username=${quote(username)}`,
    `realm=${quote(realm)}`,
    `nonce=${quote(nonce)}`,
    `uri=${quote(uri)}`,
    `response="${response}"`,
    `algorithm=${algorithm}`,
    ...(opaque === undefined ? [] : [`opaque=${quote(opaque)}`]),
    ...(hasAuth ? [`cnonce="${cnonce}"`, `nc=${count}`, 'qop=auth'] : []),
  ].join(', ')
}

const quote = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`
