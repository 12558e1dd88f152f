import { hash, timingSafeEqual } from 'node:crypto'
import { TRUNK_REALM, type TrunkCredentials } from '../../domain/trunk.ts'
import {
  type DigestAuthorization,
  digestResponse,
  formatDigestChallenge,
  parseDigestAuthorization,
} from '../../protocol/sip/digest.ts'
import { headersOf, type SipRequest } from '../../protocol/sip/message.ts'
import { Nonces } from './nonces.ts'
import type { Reply } from './reply.ts'
import type { Timers } from './timers.ts'

/** Authorization headers that are looked at; a request has one a realm. */
const AUTHORIZATIONS_MAX = 4
/** Strongest first: a client takes the first that it knows (RFC 8760 §2.4). */
const ALGORITHMS = ['SHA-256', 'MD5'] as const

/** What a request says of its sender. */
export interface Proof {
  /** True for the credentials that its password belongs to. */
  isProven(credentials: TrunkCredentials): boolean
  /** The challenge for the next try; `stale` when the password was right and only its nonce was not. */
  challenge(): Reply
  /** A right password with a nonce that may not be used (again). */
  readonly isStale: boolean
  /** An answer to a challenge of ours was given, right or wrong. */
  readonly isGiven: boolean
}

/** Digest for trunks (RFC 3261 §22, RFC 7616, RFC 8760): SHA-256 and MD5. Passwords are not known here, only their hashes. */
export class Authentication {
  readonly #nonces: Nonces

  constructor(timers: Timers) {
    this.#nonces = new Nonces(timers)
  }

  /** What a request proves. A nonce counts as used when the response made with it was right. */
  read(request: SipRequest): Proof {
    const given = headersOf(request, 'Authorization')
      .slice(0, AUTHORIZATIONS_MAX)
      .map(parseDigestAuthorization)
      .find((each) => each?.realm === TRUNK_REALM)
    let isStale = false
    return {
      isGiven: given !== undefined,
      isProven: (credentials) => {
        if (!given || !isRight(given, request.method, credentials)) return false
        const isFresh = this.#nonces.use(given.nonce, given.qop === undefined ? 1 : Number.parseInt(given.nc ?? '', 16))
        isStale ||= !isFresh
        return isFresh
      },
      get isStale() {
        return isStale
      },
      challenge: () => this.#challenge(isStale),
    }
  }

  #challenge(isStale: boolean): Reply {
    const nonce = this.#nonces.issue()
    return {
      status: 401,
      headers: ALGORITHMS.map((algorithm) => [
        'WWW-Authenticate',
        formatDigestChallenge({ realm: TRUNK_REALM, nonce, algorithm, qop: ['auth'], stale: isStale }),
      ]),
    }
  }
}

/**
 * Whether a response was made with these credentials' password. The URI in it is not compared with the Request-URI, which proxies may have
 * changed on the way; what it would guard against, replay elsewhere, the nonce's count does.
 */
const isRight = (given: DigestAuthorization, method: string, credentials: TrunkCredentials): boolean => {
  if (given.username !== credentials.username) return false
  const algorithm = (given.algorithm ?? 'MD5').toUpperCase()
  if (algorithm !== 'SHA-256' && algorithm !== 'MD5') return false
  const [ha1, name] = algorithm === 'MD5' ? [credentials.ha1Md5, 'md5'] : [credentials.ha1Sha256, 'sha256']
  const expected = digestResponse({ ...given, ha1, method }, (text) => hash(name, text))
  return isEqual(expected, given.response.toLowerCase())
}

const isEqual = (a: string | undefined, b: string): boolean => {
  if (a === undefined) return false
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}
