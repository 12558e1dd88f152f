import { createHash } from 'node:crypto'

/** What a client was told of one recording that it has stored. */
export interface Entry {
  readonly id: string
  readonly sha256: string
  /** `deleting`: a deletion is on its way, and either answer is right. */
  fate: 'stored' | 'deleting' | 'deleted'
}

/** What was done, to be counted. */
export const DEEDS = [
  'puts',
  'posts',
  'reads',
  'lists',
  'deletions',
  'revocations',
  'calls',
  'callsDeleted',
  'refused',
  'cut',
] as const
export type Deed = (typeof DEEDS)[number]

/** Lower-case hexadecimal. */
export const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** What all clients were told, and what of it was wrong. */
export class Ledger {
  /** By recording id. */
  readonly entries = new Map<string, Entry>()
  /** What was sent by POST and never answered, the bytes' hash by leg id: each may be there once. */
  readonly unanswered = new Map<string, string>()
  /** Ids whose deletion was acknowledged, of whatever recordings. */
  readonly deleted = new Set<string>()
  readonly problems: string[] = []
  readonly counts = Object.fromEntries(DEEDS.map((deed) => [deed, 0])) as Record<Deed, number>
  /** The answer that was waited for the longest. */
  slowest = { ms: 0, what: '' }
  /** The most that was sent of a call before its node was killed, and is not in its recording. */
  worstLossMs = 0

  noteWait(ms: number, what: string): void {
    if (ms > this.slowest.ms) this.slowest = { ms: Math.round(ms), what }
  }

  noteLoss(ms: number): void {
    this.worstLossMs = Math.max(this.worstLossMs, Math.round(ms))
  }

  count(deed: Deed): void {
    this.counts[deed] += 1
  }

  /** Something that must not be. */
  blame(problem: string): void {
    this.problems.push(`${new Date().toISOString()} ${problem}`)
  }

  store(id: string, sha256: string): void {
    this.entries.set(id, { id, sha256, fate: 'stored' })
    this.deleted.delete(id)
  }

  markDeleted(id: string): void {
    const entry = this.entries.get(id)
    if (entry) entry.fate = 'deleted'
    this.deleted.add(id)
  }

  /** What is stored, and is not being deleted. */
  stored(): readonly Entry[] {
    return this.entries
      .values()
      .filter(({ fate }) => fate === 'stored')
      .toArray()
  }
}
