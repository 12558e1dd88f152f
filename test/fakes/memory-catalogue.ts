import { randomUUID } from 'node:crypto'
import type { CallDetails } from '../../src/domain/call-details.ts'
import { PoulsenError } from '../../src/domain/errors.ts'
import type { IncomingMigration } from '../../src/domain/incoming-migration.ts'
import type { MediaObject } from '../../src/domain/media-object.ts'
import type { Page, PageRequest, Position } from '../../src/domain/page.ts'
import type { Project, ProjectChanges } from '../../src/domain/project.ts'
import type { PublishToken } from '../../src/domain/publish-token.ts'
import { canSettle, isFinal, type Recording } from '../../src/domain/recording.ts'
import { METADATA_VERSIONS_MAX, type MetadataVersion } from '../../src/domain/session-metadata.ts'
import type { Token, TokenChanges } from '../../src/domain/token.ts'
import type { Trunk, TrunkChanges } from '../../src/domain/trunk.ts'
import type { Catalogue } from '../../src/ports/catalogue.ts'

const conflict = () => new PoulsenError({ code: 'CATALOGUE_CONFLICT', kind: 'conflict', message: 'taken' })
const notFound = () => new PoulsenError({ code: 'CATALOGUE_NOT_FOUND', kind: 'not-found', message: 'absent' })
const closed = () => new PoulsenError({ code: 'CATALOGUE_UNAVAILABLE', kind: 'unavailable', message: 'closed' })

const isNewer = (a: Position, b: Position): boolean =>
  a.createdAtMs === b.createdAtMs ? a.id > b.id : a.createdAtMs > b.createdAtMs
const oldestFirst = <T extends Position>(rows: Iterable<T>): T[] => [...rows].sort((a, b) => (isNewer(a, b) ? 1 : -1))

const keyOf = ({ projectId, id }: { projectId: string; id: string }): string => `${projectId}/${id}`
const isOpenToAll = ({ networks, credentials, certificates }: Trunk): boolean =>
  networks.length === 0 && !credentials && certificates.length === 0
/** The bytes may be a part of a message whose memory is used again. */
const copyOf = (version: MetadataVersion): MetadataVersion => ({ ...version, xml: new Uint8Array(version.xml) })
const isUnsealed = (recording: Recording): recording is Recording & { readonly media: MediaObject } =>
  isFinal(recording.status) && recording.media !== undefined && recording.media.sha256 === undefined

/** The catalogue's contract in the simplest way there is: the model that the real ones are compared with. */
export class MemoryCatalogue implements Catalogue {
  readonly #identity = randomUUID()
  #migration: IncomingMigration | undefined
  readonly #projects = new Map<string, Project>()
  readonly #tokens = new Map<string, Token>()
  readonly #recordings = new Map<string, Recording>()
  readonly #details = new Map<string, CallDetails>()
  readonly #metadata = new Map<string, readonly MetadataVersion[]>()
  readonly #trunks = new Map<string, Trunk>()
  readonly #publishTokens = new Map<string, PublishToken>()
  #isClosed = false

  async getIdentity(): Promise<string> {
    return this.#identity
  }

  async findIncomingMigration(): Promise<IncomingMigration | undefined> {
    return this.#migration
  }

  async setIncomingMigration(migration: IncomingMigration | undefined): Promise<void> {
    this.#requireOpen()
    this.#migration = migration
  }

  async createProject(project: Project): Promise<void> {
    this.#requireOpen()
    if (this.#projects.has(project.id)) throw conflict()
    this.#projects.set(project.id, project)
  }

  async findProject(id: string): Promise<Project | undefined> {
    this.#requireOpen()
    return this.#projects.get(id)
  }

  async listProjects(): Promise<readonly Project[]> {
    return oldestFirst(this.#projects.values())
  }

  async updateProject(id: string, { mediaUrlTtlSeconds, ...changes }: ProjectChanges): Promise<Project> {
    const { mediaUrlTtlSeconds: old, ...project } = this.#projects.get(id) ?? this.#absent()
    const ttl = mediaUrlTtlSeconds === undefined ? old : (mediaUrlTtlSeconds ?? undefined)
    const changed = { ...project, ...changes, ...(ttl !== undefined && { mediaUrlTtlSeconds: ttl }) }
    this.#projects.set(id, changed)
    return changed
  }

  async deleteProject(id: string): Promise<void> {
    if (!this.#projects.has(id)) throw notFound()
    if ([...this.#recordings.values()].some(({ projectId }) => projectId === id)) throw conflict()
    this.#projects.delete(id)
    for (const token of this.#tokens.values()) if (token.projectId === id) this.#tokens.delete(token.digest)
    for (const trunk of this.#trunks.values()) if (trunk.projectId === id) this.#trunks.delete(trunk.id)
    for (const { digest, projectId } of this.#publishTokens.values())
      if (projectId === id) this.#publishTokens.delete(digest)
  }

  async createToken(token: Token): Promise<void> {
    if (!this.#projects.has(token.projectId)) throw notFound()
    const isTaken = (other: Token) => other.id === token.id && other.projectId === token.projectId
    if (this.#tokens.has(token.digest) || [...this.#tokens.values()].some(isTaken)) throw conflict()
    this.#tokens.set(token.digest, token)
  }

  async findToken(digest: string): Promise<Token | undefined> {
    return this.#tokens.get(digest)
  }

  async listTokens(projectId: string): Promise<readonly Token[]> {
    return oldestFirst([...this.#tokens.values()].filter((token) => token.projectId === projectId))
  }

  async updateToken(projectId: string, id: string, changes: TokenChanges): Promise<Token> {
    const changed = { ...(this.#token(projectId, id) ?? this.#absent()), ...changes }
    this.#tokens.set(changed.digest, changed)
    return changed
  }

  async deleteToken(projectId: string, id: string): Promise<boolean> {
    const token = this.#token(projectId, id)
    return token !== undefined && this.#tokens.delete(token.digest)
  }

  async createPublishToken(token: PublishToken): Promise<void> {
    if (!this.#projects.has(token.projectId)) throw notFound()
    if (this.#publishTokens.has(token.digest)) throw conflict()
    this.#publishTokens.set(token.digest, token)
  }

  async findPublishToken(digest: string): Promise<PublishToken | undefined> {
    return this.#publishTokens.get(digest)
  }

  async listPublishTokens(limit: number, afterDigest = ''): Promise<readonly PublishToken[]> {
    const all = [...this.#publishTokens.values()].filter(({ digest }) => digest > afterDigest)
    return all.sort((a, b) => (a.digest < b.digest ? -1 : 1)).slice(0, limit)
  }

  async usePublishToken(digest: string, nowMs: number): Promise<boolean> {
    const token = this.#publishTokens.get(digest)
    if (!token || token.isUsed || token.expiresAtMs <= nowMs) return false
    this.#publishTokens.set(digest, { ...token, isUsed: true })
    return true
  }

  async freePublishToken(digest: string): Promise<void> {
    const token = this.#publishTokens.get(digest)
    if (token) this.#publishTokens.set(digest, { ...token, isUsed: false })
  }

  async deletePublishTokens(untilMs: number): Promise<void> {
    for (const { digest, expiresAtMs } of this.#publishTokens.values())
      if (expiresAtMs <= untilMs) this.#publishTokens.delete(digest)
  }

  async createTrunk(trunk: Trunk): Promise<void> {
    if (this.#trunks.has(trunk.id) || this.#isUsernameTaken(trunk) || isOpenToAll(trunk)) throw conflict()
    if (!this.#projects.has(trunk.projectId)) throw notFound()
    this.#trunks.set(trunk.id, trunk)
  }

  async findTrunk(id: string): Promise<Trunk | undefined> {
    return this.#trunks.get(id)
  }

  async listTrunks(projectId?: string): Promise<readonly Trunk[]> {
    const all = [...this.#trunks.values()]
    return oldestFirst(projectId === undefined ? all : all.filter((trunk) => trunk.projectId === projectId))
  }

  async updateTrunk(id: string, { credentials, callMaxSeconds, ...changes }: TrunkChanges): Promise<Trunk> {
    const { credentials: oldCredentials, callMaxSeconds: oldSeconds, ...trunk } = this.#trunks.get(id) ?? this.#absent()
    const newCredentials = credentials === undefined ? oldCredentials : (credentials ?? undefined)
    const newSeconds = callMaxSeconds === undefined ? oldSeconds : (callMaxSeconds ?? undefined)
    const changed: Trunk = {
      ...trunk,
      ...changes,
      ...(newCredentials && { credentials: newCredentials }),
      ...(newSeconds !== undefined && { callMaxSeconds: newSeconds }),
    }
    if (this.#isUsernameTaken(changed) || isOpenToAll(changed)) throw conflict()
    this.#trunks.set(id, changed)
    return changed
  }

  async deleteTrunk(id: string): Promise<boolean> {
    return this.#trunks.delete(id)
  }

  async createRecording(recording: Recording, details?: CallDetails, metadata?: MetadataVersion): Promise<void> {
    this.#requireOpen()
    const key = keyOf(recording)
    if (this.#recordings.has(key)) throw conflict()
    if (!this.#projects.has(recording.projectId)) throw notFound()
    this.#recordings.set(key, recording)
    if (details) this.#details.set(key, details)
    if (metadata) this.#metadata.set(key, [copyOf(metadata)])
  }

  async settleRecording(recording: Recording, details?: CallDetails): Promise<void> {
    this.#requireOpen()
    const key = keyOf(recording)
    const stored = this.#recordings.get(key) ?? this.#absent()
    if (!canSettle(stored, recording)) throw conflict()
    this.#recordings.set(key, recording)
    if (details) this.#details.set(key, details)
  }

  async sealRecording(projectId: string, id: string, sha256: string): Promise<boolean> {
    const stored = this.#recordings.get(keyOf({ projectId, id }))
    if (!stored || !isUnsealed(stored)) return false
    this.#recordings.set(keyOf(stored), { ...stored, media: { ...stored.media, sha256 } })
    return true
  }

  async findCallDetails(projectId: string, id: string): Promise<CallDetails | undefined> {
    this.#requireOpen()
    return this.#details.get(keyOf({ projectId, id }))
  }

  async appendMetadata(projectId: string, recordingId: string, version: MetadataVersion): Promise<void> {
    this.#requireOpen()
    const key = keyOf({ projectId, id: recordingId })
    if (!this.#recordings.has(key)) throw notFound()
    const versions = this.#metadata.get(key) ?? []
    if (versions.length >= METADATA_VERSIONS_MAX) throw conflict()
    this.#metadata.set(key, [...versions, copyOf(version)])
  }

  async listMetadata(projectId: string, recordingId: string): Promise<readonly MetadataVersion[]> {
    this.#requireOpen()
    return this.#metadata.get(keyOf({ projectId, id: recordingId })) ?? []
  }

  async countMetadata(projectId: string, recordingIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const counts = recordingIds.map((id) => [id, this.#metadata.get(keyOf({ projectId, id }))?.length ?? 0] as const)
    return new Map(counts.filter(([, count]) => count > 0))
  }

  async listUnsettled(): Promise<readonly Recording[]> {
    this.#requireOpen()
    return oldestFirst([...this.#recordings.values()].filter(({ status }) => !isFinal(status)))
  }

  async listUnsealed(limit: number): Promise<readonly Recording[]> {
    return oldestFirst([...this.#recordings.values()].filter(isUnsealed)).slice(0, limit)
  }

  async findRecording(projectId: string, id: string): Promise<Recording | undefined> {
    this.#requireOpen()
    return this.#recordings.get(keyOf({ projectId, id }))
  }

  async findRecordings(ids: readonly string[]): Promise<readonly Recording[]> {
    this.#requireOpen()
    return [...this.#recordings.values()].filter(({ id }) => ids.includes(id))
  }

  async listRecordings(projectId: string, { limit, olderThan, newerThan }: PageRequest): Promise<Page> {
    const all = oldestFirst([...this.#recordings.values()].filter((each) => each.projectId === projectId)).reverse()
    const newer = newerThan && all.filter((each) => isNewer(each, newerThan))
    const items = newer
      ? newer.slice(-limit)
      : all.filter((each) => !olderThan || isNewer(olderThan, each)).slice(0, limit)
    const [first, last] = [items[0], items.at(-1)]
    const top = first ?? olderThan
    const bottom = last ?? newerThan
    return {
      items,
      hasNewer: newer
        ? newer.length > limit
        : olderThan !== undefined && top !== undefined && all.some((each) => isNewer(each, top)),
      hasOlder: bottom === undefined ? false : all.some((each) => isNewer(bottom, each)),
    }
  }

  async deleteRecording(projectId: string, id: string): Promise<Recording | undefined> {
    const key = keyOf({ projectId, id })
    const found = this.#recordings.get(key)
    this.#recordings.delete(key)
    this.#details.delete(key)
    this.#metadata.delete(key)
    return found
  }

  async check(): Promise<void> {
    this.#requireOpen()
  }

  async close(): Promise<void> {
    this.#isClosed = true
  }

  #token(projectId: string, id: string): Token | undefined {
    return [...this.#tokens.values()].find((token) => token.projectId === projectId && token.id === id)
  }

  #isUsernameTaken({ id, credentials }: Trunk): boolean {
    const isRival = (other: Trunk) => other.id !== id && other.credentials?.username === credentials?.username
    return credentials !== undefined && [...this.#trunks.values()].some(isRival)
  }

  #absent(): never {
    throw notFound()
  }

  #requireOpen(): void {
    if (this.#isClosed) throw closed()
  }
}
