import { hasCode, PoulsenError } from '../domain/errors.ts'
import type { Trunk, TrunkChanges, TrunkCredentials } from '../domain/trunk.ts'
import type { Uuid } from '../domain/uuid.ts'
import type { Catalogue } from '../ports/catalogue.ts'
import type { Clock } from '../ports/clock.ts'
import type { Ids } from '../ports/ids.ts'
import {
  invalid,
  makeCredentials,
  requireCallMaxSeconds,
  requireCertificates,
  requireCodecs,
  requireGuarded,
  requireLayout,
  requireNetworks,
  requireTrunkLegType,
  requireTrunkName,
} from './trunk-arguments.ts'

/** What may be said of a new trunk, as it was typed; all is validated. `username` and `password` go together. */
export interface NewTrunk {
  readonly projectId: Uuid
  readonly name: string
  readonly legType?: string
  readonly networks?: readonly string[]
  readonly username?: string
  readonly password?: string
  readonly certificates?: readonly string[]
  readonly layout?: string
  readonly requiresSecureMedia?: boolean
  readonly keepsMetadata?: boolean
  readonly callMaxSeconds?: number
  readonly codecs?: readonly string[]
}

/**
 * What may be changed about a trunk, as it was typed; null takes away. A new user name wants its password, since both are in one hash; a new
 * password alone goes to the user name that is there.
 */
export interface TrunkUpdate {
  readonly name?: string
  readonly legType?: string
  readonly networks?: readonly string[]
  readonly username?: string | null
  readonly password?: string
  readonly certificates?: readonly string[]
  readonly layout?: string
  readonly requiresSecureMedia?: boolean
  readonly keepsMetadata?: boolean
  readonly callMaxSeconds?: number | null
  readonly codecs?: readonly string[]
}

/** Makes, changes and removes trunks. The SIP server obeys within five seconds. */
export class Trunks {
  readonly #catalogue: Catalogue
  readonly #clock: Clock
  readonly #ids: Ids

  constructor(ports: { readonly catalogue: Catalogue; readonly clock: Clock; readonly ids: Ids }) {
    this.#catalogue = ports.catalogue
    this.#clock = ports.clock
    this.#ids = ports.ids
  }

  /** Rejects with TRUNK_INVALID, TRUNK_USERNAME_TAKEN, or CATALOGUE_NOT_FOUND for an absent project. */
  async create(parts: NewTrunk): Promise<Trunk> {
    const credentials = newCredentials(parts, undefined)
    const trunk: Trunk = {
      id: this.#ids.uuid(),
      projectId: parts.projectId,
      name: requireTrunkName(parts.name),
      legType: requireTrunkLegType(parts.legType ?? 'sip'),
      networks: requireNetworks(parts.networks ?? []),
      ...(credentials && { credentials }),
      certificates: requireCertificates(parts.certificates ?? []),
      layout: requireLayout(parts.layout ?? 'stereo'),
      requiresSecureMedia: parts.requiresSecureMedia ?? false,
      keepsMetadata: parts.keepsMetadata ?? true,
      ...(parts.callMaxSeconds !== undefined && { callMaxSeconds: requireCallMaxSeconds(parts.callMaxSeconds) }),
      codecs: requireCodecs(parts.codecs ?? []),
      createdAtMs: this.#clock.nowMs(),
    }
    requireGuarded(trunk)
    await this.#catalogue.createTrunk(trunk).catch((error: unknown) => {
      throw hasCode(error, 'CATALOGUE_CONFLICT') && credentials ? taken(credentials, error) : error
    })
    return trunk
  }

  /** The trunks of one project, or all; oldest first. */
  list(projectId?: Uuid): Promise<readonly Trunk[]> {
    return this.#catalogue.listTrunks(projectId)
  }

  /** The trunk as changed. Rejects with TRUNK_NOT_FOUND, TRUNK_INVALID or TRUNK_USERNAME_TAKEN. */
  async update(id: Uuid, update: TrunkUpdate): Promise<Trunk> {
    const trunk = (await this.#catalogue.findTrunk(id)) ?? notFound(id)
    const changes = changesOf(trunk, update)
    requireGuarded({ ...trunk, ...changes })
    return await this.#catalogue.updateTrunk(id, changes).catch((error: unknown) => {
      if (hasCode(error, 'CATALOGUE_NOT_FOUND')) return notFound(id, error)
      throw hasCode(error, 'CATALOGUE_CONFLICT') && changes.credentials ? taken(changes.credentials, error) : error
    })
  }

  /** Removes a trunk; calls that run go on. Rejects with TRUNK_NOT_FOUND. */
  async delete(id: Uuid): Promise<void> {
    if (!(await this.#catalogue.deleteTrunk(id))) notFound(id)
  }
}

const changesOf = (trunk: Trunk, update: TrunkUpdate): TrunkChanges => {
  const { name, legType, networks, certificates, layout, callMaxSeconds, codecs } = update
  const credentials = update.username === null ? null : newCredentials(update, trunk.credentials)
  return {
    ...(name !== undefined && { name: requireTrunkName(name) }),
    ...(legType !== undefined && { legType: requireTrunkLegType(legType) }),
    ...(networks && { networks: requireNetworks(networks) }),
    ...(credentials !== undefined && { credentials }),
    ...(certificates && { certificates: requireCertificates(certificates) }),
    ...(layout !== undefined && { layout: requireLayout(layout) }),
    ...(update.requiresSecureMedia !== undefined && { requiresSecureMedia: update.requiresSecureMedia }),
    ...(update.keepsMetadata !== undefined && { keepsMetadata: update.keepsMetadata }),
    ...(callMaxSeconds !== undefined && {
      callMaxSeconds: callMaxSeconds === null ? null : requireCallMaxSeconds(callMaxSeconds),
    }),
    ...(codecs && { codecs: requireCodecs(codecs) }),
  }
}

/** The credentials that a user name and a password make, if either was given. */
const newCredentials = (
  given: { readonly username?: string | null; readonly password?: string },
  known: TrunkCredentials | undefined,
): TrunkCredentials | undefined => {
  const username = given.username ?? known?.username
  const { password } = given
  if (password !== undefined && username !== undefined) return makeCredentials(username, password)
  if (password !== undefined) throw invalid('username', 'username is missing.', 'username and password together')
  if (given.username === undefined) return undefined
  throw invalid('password', 'password is missing.', 'username and password together')
}

const notFound = (id: Uuid, cause?: unknown): never => {
  throw new PoulsenError({
    code: 'TRUNK_NOT_FOUND',
    kind: 'not-found',
    message: `There is no trunk ${id}.`,
    hint: 'See `poulsen trunk list`.',
    cause,
  })
}

const taken = ({ username }: TrunkCredentials, cause: unknown) =>
  new PoulsenError({
    code: 'TRUNK_USERNAME_TAKEN',
    kind: 'conflict',
    message: `Another trunk has the username ${username}.`,
    hint: 'A username belongs to one trunk; choose another.',
    cause,
  })
