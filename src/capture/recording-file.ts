import type { FileEncoder } from '../audio/timeline/file-encoder.ts'
import type { Piece } from '../audio/timeline/track.ts'
import type { Disk, DiskFile } from '../ports/disk.ts'

/** A point up to which a file is durable and from which it can be written on. */
export interface FileCheckpoint {
  readonly byteSize: number
  /** Ticks of audio and silence in it. */
  readonly ticks: number
  readonly encoder: unknown
}

/** Silence is written in steps of so many ticks at most, so that a long hold does not fill the memory. */
const GAP_STEP_TICKS = 1_000_000

type Step = () => Promise<void>

/**
 * One recording's growing file. Everything happens in the order in which it was asked for, one write at a time; who appends does not wait. After a write
 * has failed no more audio is written: a file has no holes.
 */
export class RecordingFile {
  readonly #file: DiskFile
  readonly #encoder: FileEncoder
  readonly #steps: Step[] = []
  #isRunning = false
  #failure: unknown
  #byteSize: number
  #dirtyBytes = 0
  #waitingTicks = 0
  #ticks: number

  private constructor(file: DiskFile, encoder: FileEncoder, { byteSize, ticks }: Omit<FileCheckpoint, 'encoder'>) {
    this.#file = file
    this.#encoder = encoder
    this.#byteSize = byteSize
    this.#ticks = ticks
  }

  /** Makes the file with its header. Rejects with MEDIA_… codes. */
  static async create(disk: Disk, name: string, encoder: FileEncoder): Promise<RecordingFile> {
    const file = await disk.create(name)
    const made = new RecordingFile(file, encoder, { byteSize: 0, ticks: 0 })
    return orClose(file, async () => {
      await made.#put(encoder.begin())
      return made
    })
  }

  /** Goes on with a file from a checkpoint; what is behind it is cut off. Rejects with MEDIA_… codes. */
  static async resume(disk: Disk, name: string, encoder: FileEncoder, from: FileCheckpoint): Promise<RecordingFile> {
    const file = await disk.open(name)
    return orClose(file, async () => {
      await file.truncate(from.byteSize)
      return new RecordingFile(file, encoder, from)
    })
  }

  /** Bytes in the file now. */
  get byteSize(): number {
    return this.#byteSize
  }

  /** Bytes that were written since the last checkpoint. */
  get dirtyBytes(): number {
    return this.#dirtyBytes
  }

  /** Ticks of audio and silence in the file now. */
  get ticks(): number {
    return this.#ticks
  }

  /** Ticks that wait to be written: how far the disk is behind. */
  get waitingTicks(): number {
    return this.#waitingTicks
  }

  /** What went wrong, once something has. */
  get failure(): unknown {
    return this.#failure
  }

  /** The bytes that a reader sees in place of the file's beginning. */
  head(): Uint8Array {
    return this.#encoder.headAt(this.#byteSize)
  }

  /** Appends pieces of audio, which nobody may change any more. */
  append(pieces: readonly Piece[]): void {
    for (const step of inSteps(pieces)) {
      const ticks = step.reduce((sum, piece) => sum + piece.ticks, 0)
      this.#waitingTicks += ticks
      this.#push(async () => {
        this.#waitingTicks -= ticks
        if (this.#failure !== undefined) return
        await this.#put(this.#encoder.encode(step))
        this.#ticks += ticks
      })
    }
  }

  /** Makes durable what was appended before the call. Rejects with MEDIA_… codes. */
  checkpoint(): Promise<FileCheckpoint> {
    return this.#ask(async () => {
      if (this.#failure !== undefined) throw this.#failure
      const point = { byteSize: this.#byteSize, ticks: this.#ticks, encoder: this.#encoder.save() }
      await this.#file.sync()
      this.#dirtyBytes = 0
      return point
    })
  }

  /** Resolves when what was appended before the call is written, or cannot be. */
  drained(): Promise<void> {
    return this.#ask(async () => {})
  }

  /**
   * Ends the file: its last bytes, its header, durable, closed. The final size. After a failed write (a full disk) it ends with what was written before,
   * for which no more space is needed. Rejects with MEDIA_… codes; the file is closed all the same.
   */
  finish(): Promise<number> {
    return this.#ask(async () => {
      const { tail, head } = this.#encoder.finish(this.#byteSize)
      if (this.#failure === undefined) await this.#put(tail)
      else await this.#file.truncate(this.#byteSize)
      if (head.length > 0) await this.#file.write(head, 0)
      await this.#file.sync()
      return this.#byteSize
    }).finally(() => this.#file.close())
  }

  /** Closes without finishing: the file is to be thrown away. Never rejects. */
  async abandon(): Promise<void> {
    await this.drained()
    await this.#file.close().catch(() => {})
  }

  async #put(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return
    await this.#file.write(bytes, this.#byteSize)
    this.#byteSize += bytes.length
    this.#dirtyBytes += bytes.length
  }

  #ask<T>(work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#push(async () => {
        await work().then(resolve, (error) => {
          this.#failure ??= error
          reject(error)
        })
      })
    })
  }

  #push(step: Step): void {
    this.#steps.push(step)
    if (!this.#isRunning) void this.#run()
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    for (let step = this.#steps.shift(); step; step = this.#steps.shift()) {
      try {
        await step()
      } catch (error) {
        this.#failure ??= error
      }
    }
    this.#isRunning = false
  }
}

/** What `open` makes of a file, which is closed when it rejects. */
const orClose = async <T>(file: DiskFile, open: () => Promise<T>): Promise<T> => {
  try {
    return await open()
  } catch (error) {
    await file.close().catch(() => {})
    throw error
  }
}

/** The same pieces in one step, or in several when there is a long gap. */
const inSteps = (pieces: readonly Piece[]): readonly (readonly Piece[])[] => {
  if (pieces.length === 0) return []
  if (pieces.every(({ kind, ticks }) => kind === 'audio' || ticks <= GAP_STEP_TICKS)) return [pieces]
  return pieces.flatMap(cutGap).map((piece) => [piece])
}

const cutGap = (piece: Piece): readonly Piece[] => {
  if (piece.kind === 'audio') return [piece]
  const count = Math.ceil(piece.ticks / GAP_STEP_TICKS)
  return Array.from({ length: count }, (_, step) => ({
    kind: 'gap',
    ticks: Math.min(GAP_STEP_TICKS, piece.ticks - step * GAP_STEP_TICKS),
  }))
}
