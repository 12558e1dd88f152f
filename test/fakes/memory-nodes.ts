import { PoulsenError } from '../../src/domain/errors.ts'
import type { Recording } from '../../src/domain/recording.ts'
import type { DeletedMedia, Holder, Nodes } from '../../src/ports/nodes.ts'

/** Nodes whose whereabouts a test says. */
export class MemoryNodes implements Nodes {
  readonly id = 'this-node'
  /** By recording id. */
  readonly holders = new Map<string, Holder>()
  /** Of what is held, by recording id; what is not in here was said by a test. */
  readonly #held = new Map<string, Recording>()
  /** Rejects whatever changes something. */
  isAway = false
  refusals = 0
  lost: readonly Recording[] = []
  deleted: readonly DeletedMedia[] = []
  hasLease = true
  beats = 0

  async beat(): Promise<void> {
    this.#require()
    this.beats += 1
  }

  async findHolder(_projectId: string, recordingId: string): Promise<Holder | undefined> {
    return this.holders.get(recordingId)
  }

  /** As the catalogue does when a recording is made through this node. */
  hold(recording: Recording): void {
    this.holders.set(recording.id, { nodeId: this.id })
    this.#held.set(recording.id, recording)
  }

  async release(_projectId: string, recordingId: string, key?: string): Promise<void> {
    this.#require()
    if (key === undefined || this.#held.get(recordingId)?.media?.key === key) this.holders.delete(recordingId)
  }

  async listDeleted(limit: number): Promise<readonly DeletedMedia[]> {
    return this.deleted.slice(0, limit)
  }

  async forgetDeleted(deleted: DeletedMedia): Promise<void> {
    this.#require()
    this.deleted = this.deleted.filter((each) => each !== deleted)
  }

  async listHeld(limit: number, after?: Pick<Recording, 'id'>): Promise<readonly Recording[]> {
    const held = [...this.#held.values()].filter(({ id }) => this.holders.has(id) && (!after || id > after.id))
    return held.sort((a, b) => (a.id < b.id ? -1 : 1)).slice(0, limit)
  }

  /** Those that are listed are settled by who asks: the next time there are others. */
  async listLost(_silentMs: number, limit: number): Promise<readonly Recording[]> {
    const batch = this.lost.slice(0, limit)
    this.lost = this.lost.slice(limit)
    return batch
  }

  async lease(): Promise<boolean> {
    return this.hasLease
  }

  #require(): void {
    if (!this.isAway) return
    this.refusals += 1
    throw new PoulsenError({ code: 'CATALOGUE_UNAVAILABLE', kind: 'unavailable', message: 'away' })
  }
}
