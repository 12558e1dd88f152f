import type { FileContent, FileEncoder } from '../audio/timeline/file-encoder.ts'
import type { Piece } from '../audio/timeline/track.ts'
import type { Disk, DiskFile } from '../ports/disk.ts'

/** A point up to which a file is durable and from which it can be written on. */
export interface FileCheckpoint {
  readonly byteSize: number
  /** Ticks of audio and silence of the first track in it; the others are as long. */
  readonly ticks: number
  readonly encoder: unknown
}

type Step = () => Promise<void>

/**
 * One recording's growing file. Everything happens in the order in which it was asked for, one write at a time; who appends does not wait. After a write
 * has failed no more audio is written: a file has no holes.
 */
export class RecordingFile {
  readonly #file: DiskFile
  readonly #encoder: FileEncoder
  #content: FileContent | undefined
  readonly #steps: Step[] = []
  #isRunning = false
  #failure: unknown
  #byteSize: number
  #dirtyBytes = 0
  #ticks: number

  private constructor(file: DiskFile, encoder: FileEncoder, { byteSize, ticks }: Omit<FileCheckpoint, 'encoder'>) {
    this.#file = file
    this.#encoder = encoder
    this.#content = encoder.content
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

  /** Ticks of audio and silence of the first track in the file now. */
  get ticks(): number {
    return this.#ticks
  }

  /** What the file holds as far as it is written. */
  get content(): FileContent | undefined {
    return this.#content
  }

  /** What went wrong, once something has. */
  get failure(): unknown {
    return this.#failure
  }

  /** The bytes that a reader sees in place of the file's beginning. */
  head(): Uint8Array {
    return this.#encoder.headAt(this.#byteSize, this.#content)
  }

  /** Appends pieces of audio, which nobody may change any more; what one call brings is in memory at once. */
  append(pieces: readonly Piece[]): void {
    if (pieces.length === 0) return
    this.#push(async () => {
      if (this.#failure !== undefined) return
      await this.#put(this.#encoder.encode(pieces))
      this.#content = this.#encoder.content
      this.#ticks += ticksOfFirst(pieces)
    })
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
      const head = this.#failure === undefined ? await this.#putTailOrCutOff() : await this.#cutOff()
      if (head.length > 0) await this.#file.write(head, 0)
      await this.#file.sync()
      return this.#byteSize
    }).finally(() => this.#close())
  }

  /** Closes without finishing: the file is to be thrown away. Never rejects. */
  async abandon(): Promise<void> {
    await this.drained()
    await this.#close().catch(() => {})
  }

  /** The disk may be full at the very end. */
  #putTailOrCutOff(): Promise<Uint8Array> {
    return this.#putTail().catch((error: unknown) => {
      this.#failure = error
      return this.#cutOff()
    })
  }

  async #putTail(): Promise<Uint8Array> {
    const { tail, head } = this.#encoder.finish(this.#byteSize)
    await this.#put(tail)
    return head
  }

  async #cutOff(): Promise<Uint8Array> {
    await this.#file.truncate(this.#byteSize)
    return this.#encoder.headAt(this.#byteSize, this.#content)
  }

  #close(): Promise<void> {
    this.#encoder.free?.()
    return this.#file.close()
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

const ticksOfFirst = (pieces: readonly Piece[]): number =>
  pieces.reduce((sum, { ticks, track = 0 }) => (track === 0 ? sum + ticks : sum), 0)
