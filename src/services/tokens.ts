import type { Permission, Token, TokenChanges } from '../domain/token.ts'
import type { Uuid } from '../domain/uuid.ts'
import type { Catalogue } from '../ports/catalogue.ts'
import type { Clock } from '../ports/clock.ts'
import type { Ids } from '../ports/ids.ts'
import { type Access, digestOf } from './access.ts'

const SECRET_BYTES = 24

/** A token as it is right after creation: the only moment at which its secret is known. */
export interface CreatedToken {
  readonly token: Token
  readonly secret: string
}

/** What a new token is to be; `secret` only for scripted installs, which bring their own. */
export interface NewToken {
  readonly projectId: Uuid
  readonly name: string
  readonly permissions: readonly Permission[]
  readonly secret?: string
}

/** Makes, changes and revokes API tokens. */
export class Tokens {
  readonly #catalogue: Catalogue
  readonly #clock: Clock
  readonly #ids: Ids
  readonly #access: Access

  constructor(ports: {
    readonly catalogue: Catalogue
    readonly clock: Clock
    readonly ids: Ids
    readonly access: Access
  }) {
    this.#catalogue = ports.catalogue
    this.#clock = ports.clock
    this.#ids = ports.ids
    this.#access = ports.access
  }

  /** A new token: `PT` and 48 hexadecimal digits. Only the digest is kept. Rejects with CATALOGUE_NOT_FOUND for an absent project. */
  async create(parts: NewToken): Promise<CreatedToken> {
    const secret = parts.secret ?? `PT${this.#ids.randomHex(SECRET_BYTES)}`
    const token: Token = {
      id: this.#ids.uuid(),
      projectId: parts.projectId,
      name: parts.name,
      permissions: [...new Set(parts.permissions)],
      digest: digestOf(secret),
      createdAtMs: this.#clock.nowMs(),
    }
    await this.#catalogue.createToken(token)
    return { token, secret }
  }

  list(projectId: Uuid): Promise<readonly Token[]> {
    return this.#catalogue.listTokens(projectId)
  }

  /** The token as changed; counts from the next request on. Rejects with CATALOGUE_NOT_FOUND. */
  async update(projectId: Uuid, id: Uuid, changes: TokenChanges): Promise<Token> {
    const token = await this.#catalogue.updateToken(projectId, id, changes)
    this.#access.forget()
    return token
  }

  /** True when there was one to revoke; from the next request on it opens nothing. */
  async revoke(projectId: Uuid, id: Uuid): Promise<boolean> {
    const revoked = await this.#catalogue.deleteToken(projectId, id)
    this.#access.forget()
    return revoked
  }
}
