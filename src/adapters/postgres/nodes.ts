import type { Recording } from '../../domain/recording.ts'
import type { Uuid } from '../../domain/uuid.ts'
import type { MediaKey } from '../../ports/media-store.ts'
import type { DeletedMedia, Holder, Nodes } from '../../ports/nodes.ts'
import { type Cell, compactKey, fullKey, recordingOf } from '../sql/rows.ts'
import type { NODE_STATEMENTS } from './statements.ts'

/** Which node this is, and where its peers reach it. */
export interface NodeIdentity {
  readonly id: Uuid
  readonly url?: string
}

/** Runs a statement of {@link NODE_STATEMENTS}, as the catalogue's are run. */
export type AskNodes = (name: keyof typeof NODE_STATEMENTS, ...cells: readonly Cell[]) => Promise<readonly unknown[]>

/** The nodes over a catalogue in PostgreSQL. */
export class PostgresNodes implements Nodes {
  readonly #node: NodeIdentity
  readonly #ask: AskNodes

  constructor(node: NodeIdentity, ask: AskNodes) {
    this.#node = node
    this.#ask = ask
  }

  get id(): Uuid {
    return this.#node.id
  }

  async beat(): Promise<void> {
    await this.#ask('beat', this.id, this.#node.url ?? null)
  }

  async findHolder(projectId: Uuid, recordingId: Uuid): Promise<Holder | undefined> {
    const [row] = await this.#ask('findHolder', projectId, recordingId)
    if (row === undefined) return undefined
    const [nodeId, url, silentMs] = row as [nodeId: string, url: string | null, silentMs: number | null]
    return { nodeId, ...(url !== null && { url }), ...(silentMs !== null && { silentMs }) }
  }

  async release(projectId: Uuid, recordingId: Uuid, key: MediaKey | undefined): Promise<void> {
    const compact = key === undefined ? null : compactKey(key, { projectId, id: recordingId })
    await this.#ask('release', projectId, recordingId, this.id, compact)
  }

  async listDeleted(limit: number): Promise<readonly DeletedMedia[]> {
    const rows = (await this.#ask('listDeleted', this.id, limit)) as [Uuid, Uuid, compact: string][]
    return rows.map(([projectId, recordingId, compact]) => ({
      projectId,
      recordingId,
      key: fullKey(compact, { projectId, id: recordingId }),
    }))
  }

  async forgetDeleted({ projectId, recordingId, key }: DeletedMedia): Promise<void> {
    await this.#ask('forgetDeleted', this.id, projectId, recordingId, compactKey(key, { projectId, id: recordingId }))
  }

  async listHeld(limit: number, after?: Pick<Recording, 'id' | 'projectId'>): Promise<readonly Recording[]> {
    return (await this.#ask('listHeld', this.id, limit, after?.id ?? '', after?.projectId ?? '')).map(recordingOf)
  }

  async listLost(silentMs: number, limit: number): Promise<readonly Recording[]> {
    return (await this.#ask('listLost', silentMs, limit)).map(recordingOf)
  }

  async lease(work: string, forMs: number): Promise<boolean> {
    return (await this.#ask('lease', work, this.id, forMs)).length > 0
  }
}
