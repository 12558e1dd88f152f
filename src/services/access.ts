import { createHash, timingSafeEqual } from 'node:crypto'
import type { Project } from '../domain/project.ts'
import { isTokenSecret, type Permission, type Token } from '../domain/token.ts'
import { parseUuid } from '../domain/uuid.ts'
import type { Catalogue } from '../ports/catalogue.ts'
import type { Clock } from '../ports/clock.ts'

/** Who is asking: a project, by one of its tokens. */
export interface Caller {
  readonly project: Project
  readonly token: Token
}

/** How long a verified pair of project and token is believed without asking the catalogue again. */
export const VERIFIED_FOR_MS = 5_000
/** At most this many verified pairs are remembered; beyond it the memory starts afresh. */
export const VERIFIED_MAX = 10_000

interface Verified {
  readonly caller: Caller
  readonly untilMs: number
}

/** The digest under which a token's secret is kept: lower-case hexadecimal SHA-256. */
export const digestOf = (secret: string): string => createHash('sha256').update(secret).digest('hex')

const sameDigest = (a: string, b: string): boolean => timingSafeEqual(Buffer.from(a, 'hex'), Buffer.from(b, 'hex'))

/** True when the caller's token carries the permission. */
export const isAllowed = (caller: Caller, permission: Permission): boolean =>
  caller.token.permissions.includes(permission)

/**
 * Decides who a caller is. A verified pair is believed for {@link VERIFIED_FOR_MS}; every change made through this process calls
 * {@link Access.forget}, so that a revocation here takes effect at once, and one made by another process within that time.
 */
export class Access {
  readonly #catalogue: Catalogue
  readonly #clock: Clock
  readonly #verified = new Map<string, Verified>()

  constructor(ports: { readonly catalogue: Catalogue; readonly clock: Clock }) {
    this.#catalogue = ports.catalogue
    this.#clock = ports.clock
  }

  /** The caller behind a pair that was verified at most {@link VERIFIED_FOR_MS} ago, without asking anybody. */
  recall(projectId: string, secret: string): Caller | undefined {
    const known = this.#verified.get(`${projectId}:${secret}`)
    return known && this.#clock.nowMs() < known.untilMs ? known.caller : undefined
  }

  /** The caller behind a project id and a token secret, or undefined when the pair is not good. Rejects only when the catalogue does. */
  async verify(projectId: string, secret: string): Promise<Caller | undefined> {
    const known = this.recall(projectId, secret)
    if (known) return known
    const pair = `${projectId}:${secret}`
    const nowMs = this.#clock.nowMs()
    const caller = await this.#lookUp(projectId, secret)
    if (caller) this.#remember(pair, { caller, untilMs: nowMs + VERIFIED_FOR_MS })
    else this.#verified.delete(pair)
    return caller
  }

  /** The caller behind a token secret alone, which names its project by itself; not remembered. Rejects only when the catalogue does. */
  async verifyToken(secret: string): Promise<Caller | undefined> {
    const token = isTokenSecret(secret) ? await this.#catalogue.findToken(digestOf(secret)) : undefined
    return token && this.#lookUp(token.projectId, secret)
  }

  /** Forgets every verified pair: what changed in the catalogue counts from the next request on. */
  forget(): void {
    this.#verified.clear()
  }

  async #lookUp(projectText: string, secret: string): Promise<Caller | undefined> {
    const projectId = parseUuid(projectText)
    if (!projectId || !isTokenSecret(secret)) return undefined
    const digest = digestOf(secret)
    const token = await this.#catalogue.findToken(digest)
    if (!token || token.projectId !== projectId || !sameDigest(token.digest, digest)) return undefined
    const project = await this.#catalogue.findProject(projectId)
    return project && { project, token }
  }

  #remember(pair: string, verified: Verified): void {
    if (this.#verified.size >= VERIFIED_MAX) this.#verified.clear()
    this.#verified.set(pair, verified)
  }
}
