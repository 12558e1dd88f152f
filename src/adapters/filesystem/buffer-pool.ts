/** Buffers of one size that are used again. Memory from outside the heap is dear: allocating it for every file kept the garbage collector at work. */
export class BufferPool {
  readonly #byteSize: number
  readonly #keepMax: number
  readonly #free: Buffer[] = []

  /** Keeps at most `keepMax` buffers that nobody uses. */
  constructor(byteSize: number, keepMax: number) {
    this.#byteSize = byteSize
    this.#keepMax = keepMax
  }

  /** A buffer with anything in it. */
  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#byteSize)
  }

  /** Gives a buffer back; who gives it must not touch it again. */
  give(buffer: Buffer): void {
    if (this.#free.length < this.#keepMax) this.#free.push(buffer)
  }
}
