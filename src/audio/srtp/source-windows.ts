import { ReplayWindow } from './replay-window.ts'

/** Sources that are remembered under one key. A call has one or two at a time; with each transfer another may come. */
export const SOURCES_MAX = 64

interface Source {
  readonly window: ReplayWindow
  usedAt: number
}

/** The replay windows of all sources under one key. Only authentic packets make one, and only they make the one that was silent longest be forgotten. */
export class SourceWindows {
  readonly #sources = new Map<number, Source>()
  #uses = 0

  find(ssrc: number): ReplayWindow | undefined {
    return this.#sources.get(ssrc)?.window
  }

  /** Notes an authentic packet. */
  note(ssrc: number, index: number): void {
    const source = this.#sources.get(ssrc) ?? this.#add(ssrc)
    this.#uses += 1
    source.usedAt = this.#uses
    source.window.note(index)
  }

  /** The highest index of each source. */
  get highest(): ReadonlyMap<number, number> {
    return new Map([...this.#sources].map(([ssrc, { window }]) => [ssrc, window.highest]))
  }

  #add(ssrc: number): Source {
    if (this.#sources.size >= SOURCES_MAX) this.#forgetOldest()
    const source = { window: new ReplayWindow(), usedAt: 0 }
    this.#sources.set(ssrc, source)
    return source
  }

  #forgetOldest(): void {
    const [oldest] = [...this.#sources].reduce((a, b) => (b[1].usedAt < a[1].usedAt ? b : a))
    this.#sources.delete(oldest)
  }
}
