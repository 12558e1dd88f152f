const EMPTY = new Uint8Array(0)

/**
 * A sliding view of a stream that arrives in chunks of any size: look at the next bytes, skip what is of no interest without ever holding it.
 * Holds at most one chunk and what was left of the one before.
 */
export class ByteWindow {
  #bytes: Uint8Array = EMPTY
  #start = 0
  #owedBytes = 0
  /** Position in the stream of the next byte that has not been skipped. */
  offsetBytes = 0

  append(chunk: Uint8Array): void {
    const skipped = Math.min(this.#owedBytes, chunk.length)
    this.#owedBytes -= skipped
    if (skipped === chunk.length) return
    const rest = skipped === 0 ? chunk : chunk.subarray(skipped)
    this.#bytes = this.availableBytes === 0 ? rest : join(this.#bytes.subarray(this.#start), rest)
    this.#start = 0
  }

  /** Bytes that can be looked at now. */
  get availableBytes(): number {
    return this.#bytes.length - this.#start
  }

  /** Bytes that were skipped but have not come; more than 0 at the stream's end means that it ended too soon. */
  get owedBytes(): number {
    return this.#owedBytes
  }

  /** The next `count` bytes, or undefined while they have not all come. */
  peek(count: number): Uint8Array | undefined {
    return this.availableBytes < count ? undefined : this.#bytes.subarray(this.#start, this.#start + count)
  }

  /** Moves on by `count` bytes, also past what has come. */
  skip(count: number): void {
    const here = Math.min(count, this.availableBytes)
    this.#start += here
    this.#owedBytes += count - here
    this.offsetBytes += count
  }

  /** Copies what is left, so that the chunk it came in can be used for something else. */
  keep(): void {
    // Not slice(): a Buffer's shares the memory.
    this.#bytes = this.availableBytes === 0 ? EMPTY : Uint8Array.from(this.#bytes.subarray(this.#start))
    this.#start = 0
  }

  /** Everything that has come; the window is empty afterwards. */
  takeAll(): Uint8Array {
    const all = this.#bytes.subarray(this.#start)
    this.skip(all.length)
    return all
  }
}

const join = (left: Uint8Array, right: Uint8Array): Uint8Array => {
  const joined = new Uint8Array(left.length + right.length)
  joined.set(left)
  joined.set(right, left.length)
  return joined
}
