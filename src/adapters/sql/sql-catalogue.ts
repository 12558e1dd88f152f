import type { CallDetails } from '../../domain/call-details.ts'
import type { IncomingMigration } from '../../domain/incoming-migration.ts'
import type { Page, PageRequest } from '../../domain/page.ts'
import type { Project, ProjectChanges } from '../../domain/project.ts'
import type { PublishToken } from '../../domain/publish-token.ts'
import { canBecome, NODE_LOST, RECORDING_STATUSES, type Recording } from '../../domain/recording.ts'
import type { MetadataVersion } from '../../domain/session-metadata.ts'
import type { Token, TokenChanges } from '../../domain/token.ts'
import type { Trunk, TrunkChanges } from '../../domain/trunk.ts'
import type { Uuid } from '../../domain/uuid.ts'
import type { Catalogue } from '../../ports/catalogue.ts'
import { conflict, notFound } from './errors.ts'
import { metadataCells, metadataOf } from './metadata-rows.ts'
import { publishTokenCells, publishTokenOf } from './publish-token-rows.ts'
import {
  type Cell,
  projectCells,
  projectOf,
  RECORDING_COLUMNS,
  recordingCells,
  recordingOf,
  tokenCells,
  tokenOf,
} from './rows.ts'
import type { SqlDriver, WriteName, WriteStep } from './sql-driver.ts'
import { trunkCells, trunkChangeCells, trunkOf } from './trunk-rows.ts'

type IdentityCells = [id: Uuid, migrationSourceId: Uuid | null, migrationIsComplete: number]

/** The catalogue over a database that speaks SQL: what is asked in which order, and how rows become values. The statements are the driver's. */
export class SqlCatalogue implements Catalogue {
  readonly #driver: SqlDriver

  constructor(driver: SqlDriver) {
    this.#driver = driver
  }

  async getIdentity(): Promise<Uuid> {
    return (await this.#identity())[0]
  }

  async findIncomingMigration(): Promise<IncomingMigration | undefined> {
    const [, sourceId, isComplete] = await this.#identity()
    return sourceId === null ? undefined : { sourceId, isComplete: isComplete === 1 }
  }

  async setIncomingMigration(migration: IncomingMigration | undefined): Promise<void> {
    await this.#write('setIncomingMigration', [migration?.sourceId ?? null, migration?.isComplete ? 1 : 0])
  }

  async createProject(project: Project): Promise<void> {
    await this.#write('createProject', projectCells(project))
  }

  async findProject(id: Uuid): Promise<Project | undefined> {
    const row = await this.#driver.get('findProject', id)
    return row === undefined ? undefined : projectOf(row)
  }

  async listProjects(): Promise<readonly Project[]> {
    return (await this.#driver.all('listProjects')).map(projectOf)
  }

  async updateProject(id: Uuid, changes: ProjectChanges): Promise<Project> {
    const { name, protectRecordings, mediaUrlTtlSeconds, recordingPricePerMinute } = changes
    const row = await this.#write('updateProject', [
      name ?? null,
      protectRecordings === undefined ? null : Number(protectRecordings),
      mediaUrlTtlSeconds === undefined ? 0 : 1,
      mediaUrlTtlSeconds ?? null,
      recordingPricePerMinute ?? null,
      id,
    ])
    if (row === undefined) throw notFound('project')
    return projectOf(row)
  }

  async deleteProject(id: Uuid): Promise<void> {
    const row = await this.#write('deleteProject', [id])
    if (row === undefined) throw notFound('project')
  }

  async createToken(token: Token): Promise<void> {
    await this.#write('createToken', tokenCells(token))
  }

  async findToken(digest: string): Promise<Token | undefined> {
    const row = await this.#driver.get('findToken', digest)
    return row === undefined ? undefined : tokenOf(row)
  }

  async listTokens(projectId: Uuid): Promise<readonly Token[]> {
    return (await this.#driver.all('listTokens', projectId)).map(tokenOf)
  }

  async updateToken(projectId: Uuid, id: Uuid, changes: TokenChanges): Promise<Token> {
    const { name, permissions } = changes
    const row = await this.#write('updateToken', [name ?? null, permissions?.join(' ') ?? null, projectId, id])
    if (row === undefined) throw notFound('token')
    return tokenOf(row)
  }

  async deleteToken(projectId: Uuid, id: Uuid): Promise<boolean> {
    return (await this.#write('deleteToken', [projectId, id])) !== undefined
  }

  async createPublishToken(token: PublishToken): Promise<void> {
    await this.#write('createPublishToken', publishTokenCells(token))
  }

  async findPublishToken(digest: string): Promise<PublishToken | undefined> {
    const row = await this.#driver.get('findPublishToken', digest)
    return row === undefined ? undefined : publishTokenOf(row)
  }

  async listPublishTokens(limit: number, afterDigest = ''): Promise<readonly PublishToken[]> {
    return (await this.#driver.all('listPublishTokens', afterDigest, limit)).map(publishTokenOf)
  }

  async usePublishToken(digest: string, nowMs: number): Promise<boolean> {
    return (await this.#write('usePublishToken', [digest, nowMs])) !== undefined
  }

  async freePublishToken(digest: string): Promise<void> {
    await this.#write('freePublishToken', [digest])
  }

  async deletePublishTokens(untilMs: number): Promise<void> {
    await this.#write('deletePublishTokens', [untilMs])
  }

  async createTrunk(trunk: Trunk): Promise<void> {
    await this.#write('createTrunk', trunkCells(trunk))
  }

  async findTrunk(id: Uuid): Promise<Trunk | undefined> {
    const row = await this.#driver.get('findTrunk', id)
    return row === undefined ? undefined : trunkOf(row)
  }

  async listTrunks(projectId?: Uuid): Promise<readonly Trunk[]> {
    const rows =
      projectId === undefined
        ? await this.#driver.all('listTrunks')
        : await this.#driver.all('listTrunksOfProject', projectId)
    return rows.map(trunkOf)
  }

  async updateTrunk(id: Uuid, changes: TrunkChanges): Promise<Trunk> {
    const row = await this.#write('updateTrunk', trunkChangeCells(id, changes))
    if (row === undefined) throw notFound('trunk')
    return trunkOf(row)
  }

  async deleteTrunk(id: Uuid): Promise<boolean> {
    return (await this.#write('deleteTrunk', [id])) !== undefined
  }

  async createRecording(recording: Recording, details?: CallDetails, metadata?: MetadataVersion): Promise<void> {
    const create = { name: 'createRecording', cells: recordingCells(recording) } as const
    const { projectId, id } = recording
    const first = metadata ? [appendStep(projectId, id, metadata)] : []
    await this.#driver.write(create, ...detailSteps(recording, details), ...first)
  }

  async settleRecording(recording: Recording, details?: CallDetails): Promise<void> {
    const { projectId, id, status } = recording
    const from = RECORDING_STATUSES.filter((each) => canBecome(each, status))
    const [, , ...settled] = recordingCells(recording)
    // What was only believed to be lost may yet turn out well.
    const orCode = status === 'failed' ? null : NODE_LOST
    const settle = {
      name: 'settleRecording',
      cells: [...settled, projectId, id, JSON.stringify(from), orCode],
    } as const
    const row = await this.#driver.write(settle, ...detailSteps(recording, details))
    if (row !== undefined) return
    throw (await this.findRecording(projectId, id)) ? conflict() : notFound('recording')
  }

  async sealRecording(projectId: Uuid, id: Uuid, sha256: string): Promise<boolean> {
    return (await this.#write('sealRecording', [sha256, projectId, id])) !== undefined
  }

  async findCallDetails(projectId: Uuid, id: Uuid): Promise<CallDetails | undefined> {
    const row = (await this.#driver.get('findCallDetails', projectId, id)) as [json: string] | undefined
    return row === undefined ? undefined : (JSON.parse(row[0]) as CallDetails)
  }

  async appendMetadata(projectId: Uuid, recordingId: Uuid, version: MetadataVersion): Promise<void> {
    const row = await this.#driver.write(appendStep(projectId, recordingId, version))
    if (row !== undefined) return
    throw (await this.findRecording(projectId, recordingId)) ? conflict() : notFound('recording')
  }

  async listMetadata(projectId: Uuid, recordingId: Uuid): Promise<readonly MetadataVersion[]> {
    return (await this.#driver.all('listMetadata', projectId, recordingId)).map(metadataOf)
  }

  async countMetadata(projectId: Uuid, recordingIds: readonly Uuid[]): Promise<ReadonlyMap<Uuid, number>> {
    const rows = await this.#driver.all('countMetadata', projectId, JSON.stringify(recordingIds))
    return new Map(rows as readonly [Uuid, number][])
  }

  async listUnsettled(): Promise<readonly Recording[]> {
    return (await this.#driver.all('listUnsettled')).map(recordingOf)
  }

  async listUnsealed(limit: number): Promise<readonly Recording[]> {
    return (await this.#driver.all('listUnsealed', limit)).map(recordingOf)
  }

  async findRecording(projectId: Uuid, id: Uuid): Promise<Recording | undefined> {
    const row = await this.#driver.get('findRecording', projectId, id)
    return row === undefined ? undefined : recordingOf(row)
  }

  async findRecordings(ids: readonly Uuid[]): Promise<readonly Recording[]> {
    return (await this.#driver.all('findRecordings', JSON.stringify(ids))).map(recordingOf)
  }

  async listRecordings(projectId: Uuid, { limit, olderThan, newerThan }: PageRequest): Promise<Page> {
    if (newerThan) {
      const { createdAtMs, id } = newerThan
      const rows = (await this.#driver.all('newerThan', projectId, createdAtMs, id, limit + 1)).map(recordingOf)
      const items = rows.slice(0, limit).reverse()
      const oldest = items.at(-1) ?? newerThan
      return { items, hasNewer: rows.length > limit, hasOlder: await this.#has('hasOlder', projectId, oldest) }
    }
    const rows = olderThan
      ? await this.#driver.all('olderThan', projectId, olderThan.createdAtMs, olderThan.id, limit + 1)
      : await this.#driver.all('newest', projectId, limit + 1)
    const items = rows.slice(0, limit).map(recordingOf)
    const hasNewer =
      olderThan !== undefined &&
      (isNewerSaid(rows[0]) ?? (await this.#has('hasNewer', projectId, items[0] ?? olderThan)))
    return { items, hasOlder: rows.length > limit, hasNewer }
  }

  async deleteRecording(projectId: Uuid, id: Uuid): Promise<Recording | undefined> {
    const row = await this.#write('deleteRecording', [projectId, id])
    return row === undefined ? undefined : recordingOf(row)
  }

  check(): Promise<void> {
    return this.#driver.check()
  }

  close(): Promise<void> {
    return this.#driver.close()
  }

  async #identity(): Promise<IdentityCells> {
    return (await this.#driver.get('findIdentity')) as IdentityCells
  }

  #write(name: WriteName, cells: readonly Cell[]): Promise<unknown> {
    return this.#driver.write({ name, cells })
  }

  async #has(
    name: 'hasOlder' | 'hasNewer',
    projectId: Uuid,
    from: { readonly createdAtMs: number; readonly id: Uuid },
  ): Promise<boolean> {
    return (await this.#driver.get(name, projectId, from.createdAtMs, from.id)) !== undefined
  }
}

/** What a driver that is far from its rows says of newer ones beside the first row of `olderThan`. */
const isNewerSaid = (row: unknown): boolean | undefined =>
  (row as readonly (boolean | undefined)[] | undefined)?.[RECORDING_COLUMNS.length]

const detailSteps = ({ projectId, id }: Recording, details: CallDetails | undefined): readonly WriteStep[] =>
  details ? [{ name: 'putCallDetails', cells: [projectId, id, JSON.stringify(details)] }] : []

const appendStep = (projectId: Uuid, recordingId: Uuid, version: MetadataVersion): WriteStep => ({
  name: 'appendMetadata',
  cells: metadataCells(projectId, recordingId, version),
})
