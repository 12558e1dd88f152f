import type { Project } from '../domain/project.ts'
import { isPublishTokenSecret, type PublishToken } from '../domain/publish-token.ts'
import type { Uuid } from '../domain/uuid.ts'
import type { Catalogue } from '../ports/catalogue.ts'
import type { Clock } from '../ports/clock.ts'
import type { Ids } from '../ports/ids.ts'
import { digestOf } from './access.ts'

/** What a publish token is made for. */
export interface NewPublishToken extends Pick<PublishToken, 'projectId' | 'endpoint' | 'metadata'> {
  readonly legId?: Uuid
  readonly lifeSeconds: number
}

const SECRET_BYTES = 24
const MS_PER_SECOND = 1000

/** Tokens that a browser may publish one call with. */
export class PublishTokens {
  readonly #catalogue: Catalogue
  readonly #clock: Clock
  readonly #ids: Ids

  constructor(ports: { readonly catalogue: Catalogue; readonly clock: Clock; readonly ids: Ids }) {
    this.#catalogue = ports.catalogue
    this.#clock = ports.clock
    this.#ids = ports.ids
  }

  /** Makes one; its secret is known only to who gets this answer. */
  async create({
    lifeSeconds,
    ...said
  }: NewPublishToken): Promise<{ readonly token: PublishToken; readonly secret: string }> {
    const secret = `PW${this.#ids.randomHex(SECRET_BYTES)}`
    const expiresAtMs = this.#clock.nowMs() + lifeSeconds * MS_PER_SECOND
    const token = { ...said, digest: digestOf(secret), expiresAtMs, isUsed: false }
    await this.#catalogue.createPublishToken(token)
    return { token, secret }
  }

  /** The token of this secret and its project while it is good for this endpoint: neither used nor expired. */
  async find(
    secret: string,
    endpoint: string,
  ): Promise<{ readonly token: PublishToken; readonly project: Project } | undefined> {
    if (!isPublishTokenSecret(secret)) return undefined
    const token = await this.#catalogue.findPublishToken(digestOf(secret))
    if (!token || token.isUsed || token.endpoint !== endpoint || token.expiresAtMs <= this.#clock.nowMs())
      return undefined
    const project = await this.#catalogue.findProject(token.projectId)
    return project && { token, project }
  }

  /** Uses a token up; false when somebody was first, or it has expired. */
  use({ digest }: PublishToken): Promise<boolean> {
    return this.#catalogue.usePublishToken(digest, this.#clock.nowMs())
  }

  /** Makes a token good again whose use has come to nothing; it still expires when it would have. Rejects with what the catalogue rejects with. */
  free({ digest }: PublishToken): Promise<void> {
    return this.#catalogue.freePublishToken(digest)
  }
}
