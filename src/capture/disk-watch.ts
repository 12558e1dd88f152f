import type { Disk } from '../ports/disk.ts'

const LOOK_EVERY_MS = 1_000
/** Below this part of the reserve running recordings are ended, while there is room to end them well. */
const END_BELOW = 1 / 4

/** Watches the free space of the capture folder: low, no call begins; nearly none, the running ones are ended with what they have. */
export class DiskWatch {
  readonly #disk: Disk
  readonly #reserveBytes: number
  readonly #onNearlyFull: () => void
  #freeBytes = Number.POSITIVE_INFINITY
  #timer: NodeJS.Timeout | undefined

  constructor(disk: Disk, reserveBytes: number, onNearlyFull: () => void) {
    this.#disk = disk
    this.#reserveBytes = reserveBytes
    this.#onNearlyFull = onNearlyFull
  }

  get isLow(): boolean {
    return this.#freeBytes < this.#reserveBytes
  }

  async start(): Promise<void> {
    await this.#look()
    this.#timer = setInterval(() => void this.#look(), LOOK_EVERY_MS).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  async #look(): Promise<void> {
    // A disk that cannot say how full it is shows what is wrong with its next write.
    this.#freeBytes = await this.#disk.freeBytes().catch(() => Number.POSITIVE_INFINITY)
    if (this.#freeBytes < this.#reserveBytes * END_BELOW) this.#onNearlyFull()
  }
}
