import type { Disk, DiskFile } from '../ports/disk.ts'
import { JournalBatch } from './journal-record.ts'
import { formatSegmentHead, formatSegmentName, JOURNAL_FOLDER } from './journal-segment.ts'

/** What a journal is made with. */
export interface JournalOptions {
  readonly disk: Disk
  /** Names this run of this worker; see {@link formatSegmentName}. */
  readonly run: string
  readonly nowMs: () => number
  /** Writes a checkpoint record of every recording in progress: what stands at the beginning of each segment but the first. */
  readonly writeSnapshot: (batch: JournalBatch, newSegment: number) => void
  /** A segment is closed when it is this long; {@link SEGMENT_BYTES_MAX} unless a test wants short ones. */
  readonly segmentBytesMax?: number
}

export const SEGMENT_BYTES_MAX = 64 * 1024 * 1024

/**
 * The write-ahead log of live audio: append-only segments, committed in groups. Records are added without waiting; {@link Journal.commit} makes all
 * that were added before it durable, together. One write and one sync run at a time, and what comes meanwhile goes with the next.
 */
export class Journal {
  readonly #options: JournalOptions
  readonly #segmentBytesMax: number
  #batch = new JournalBatch()
  #spare = new JournalBatch()
  #file: DiskFile | undefined
  #number = 0
  #offsetBytes = 0
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined
  /** The lowest segment that is still there. */
  #first = 1

  constructor(options: JournalOptions) {
    this.#options = options
    this.#segmentBytesMax = options.segmentBytesMax ?? SEGMENT_BYTES_MAX
  }

  /** Records to be committed; add to it at any time. */
  get batch(): JournalBatch {
    return this.#batch
  }

  /** The number of the segment that the next commit goes to. */
  get segment(): number {
    return this.#number
  }

  /** Bytes in segments that are still there, roughly. */
  get retainedBytes(): number {
    return (this.#number - this.#first) * this.#segmentBytesMax + this.#offsetBytes
  }

  /** Makes the first segment. Rejects with MEDIA_… codes. */
  async open(): Promise<void> {
    await this.#options.disk.makeFolder(JOURNAL_FOLDER)
    await this.#startSegment()
  }

  /** Resolves when everything that was added before the call is durable. Rejects with MEDIA_… codes; what was added may then be lost. */
  commit(): Promise<void> {
    if (!this.#running) {
      this.#running = this.#write().finally(() => {
        this.#running = undefined
      })
      return this.#running
    }
    this.#next ??= this.#running
      .catch(() => {})
      .then(() => {
        this.#next = undefined
        return this.commit()
      })
    return this.#next
  }

  /** Removes segments below a number: no recording needs them. */
  async dropBelow(segment: number): Promise<void> {
    while (this.#first < Math.min(segment, this.#number)) {
      const name = formatSegmentName({ run: this.#options.run, number: this.#first })
      this.#first += 1
      await this.#options.disk.remove(`${JOURNAL_FOLDER}/${name}`)
    }
  }

  /** Commits what was added and closes the file. */
  async close(): Promise<void> {
    await this.commit()
    await this.#file?.close()
    this.#file = undefined
  }

  /** Removes all segments of this run, when every recording is settled. */
  async removeAll(): Promise<void> {
    for (; this.#first <= this.#number; this.#first += 1) {
      await this.#options.disk.remove(
        `${JOURNAL_FOLDER}/${formatSegmentName({ run: this.#options.run, number: this.#first })}`,
      )
    }
  }

  async #write(): Promise<void> {
    if (this.#offsetBytes >= this.#segmentBytesMax) await this.#startSegment()
    const batch = this.#batch
    if (batch.byteSize === 0) return
    this.#batch = this.#spare
    try {
      await this.#file?.write(batch.bytes, this.#offsetBytes)
      await this.#file?.sync()
      this.#offsetBytes += batch.byteSize
    } finally {
      batch.clear()
      this.#spare = batch
    }
  }

  async #startSegment(): Promise<void> {
    const { disk, run, nowMs, writeSnapshot } = this.#options
    const number = this.#number + 1
    const file = await disk.create(`${JOURNAL_FOLDER}/${formatSegmentName({ run, number })}`)
    await file.write(formatSegmentHead(number, nowMs()), 0)
    await disk.syncFolder(JOURNAL_FOLDER)
    const old = this.#file
    this.#file = file
    this.#number = number
    this.#offsetBytes = formatSegmentHead(number, 0).length
    if (old) this.#putSnapshotFirst(writeSnapshot)
    await old?.close()
  }

  /** What waits to be written comes after the snapshot: it may only go on from there. */
  #putSnapshotFirst(writeSnapshot: JournalOptions['writeSnapshot']): void {
    const waiting = this.#batch.bytes.slice()
    this.#batch.clear()
    writeSnapshot(this.#batch, this.#number)
    this.#batch.append(waiting)
  }
}
