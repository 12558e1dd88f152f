/** Samples that wait to be mixed, in order. */
export class SampleQueue {
  #chunks: Int16Array[] = []
  #length = 0

  get length(): number {
    return this.#length
  }

  push(samples: Int16Array): void {
    if (samples.length === 0) return
    this.#chunks.push(samples)
    this.#length += samples.length
  }

  /** Takes out so many samples, or as many as there are, in pieces; `take` is told how many came before. */
  take(count: number, take: (samples: Int16Array, at: number) => void): void {
    for (let at = 0; at < count; ) {
      const chunk = this.#chunks[0]
      if (!chunk) return
      const part = chunk.subarray(0, count - at)
      take(part, at)
      at += part.length
      this.#length -= part.length
      if (part.length === chunk.length) this.#chunks.shift()
      else this.#chunks[0] = chunk.subarray(part.length)
    }
  }
}
