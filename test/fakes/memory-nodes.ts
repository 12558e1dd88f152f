import type { Recording } from '../../src/domain/recording.ts'
import type { Holder, Nodes } from '../../src/ports/nodes.ts'

/** Nodes whose whereabouts a test says. */
export class MemoryNodes implements Nodes {
  readonly id = 'this-node'
  /** By recording id. */
  readonly holders = new Map<string, Holder>()
  lost: readonly Recording[] = []
  hasLease = true
  beats = 0

  async beat(): Promise<void> {
    this.beats += 1
  }

  async findHolder(_projectId: string, recordingId: string): Promise<Holder | undefined> {
    return this.holders.get(recordingId)
  }

  async release(_projectId: string, recordingId: string): Promise<void> {
    this.holders.delete(recordingId)
  }

  async listHeld(): Promise<readonly Recording[]> {
    return []
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
}
