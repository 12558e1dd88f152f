import { Intervals } from './intervals.ts'
import type { News, Piece, Placing, Track } from './track.ts'

/** How a codec's bytes follow time, when every tick is the same number of bytes. */
export interface SampleLayout {
  /** 1 for G.711 and G.722, 2 × channels for L16. */
  readonly bytesPerTick: number
  readonly clockRateHz: number
}

const FIRST_SECONDS = 1
/** The longest stretch that a track holds; audio further ahead has to wait until what is there was taken out. */
const HELD_MAX_SECONDS = 8

/** A track of a codec in which every tick is the same number of bytes: PCMU, PCMA, G.722, L16. */
export class SampleTrack implements Track {
  readonly #bytesPerTick: number
  readonly #ticksMax: number
  #bytes: Uint8Array
  /** The tick at the beginning of the buffer. */
  #startTicks = 0
  #isBegun: boolean
  #endTicks = 0
  readonly #covered = new Intervals()
  readonly #unjournaled = new Intervals()

  /** `edgeTicks` goes on where an earlier track of the same recording had come to. */
  constructor({ bytesPerTick, clockRateHz }: SampleLayout, edgeTicks?: number) {
    this.#bytesPerTick = bytesPerTick
    this.#ticksMax = HELD_MAX_SECONDS * clockRateHz
    this.#bytes = new Uint8Array(FIRST_SECONDS * clockRateHz * bytesPerTick)
    this.#isBegun = edgeTicks !== undefined
    this.#startTicks = edgeTicks ?? 0
    this.#endTicks = edgeTicks ?? 0
  }

  get edgeTicks(): number | undefined {
    return this.#isBegun ? this.#startTicks : undefined
  }

  get firstTicks(): number | undefined {
    return this.#covered.first
  }

  get endTicks(): number {
    return this.#endTicks
  }

  begin(edgeTicks: number): void {
    if (this.#isBegun) return
    this.#isBegun = true
    if (edgeTicks < this.#startTicks) this.#moveBack(edgeTicks)
    else this.#shift(edgeTicks)
  }

  durationTicks(payload: Uint8Array): number | undefined {
    const ticks = payload.length / this.#bytesPerTick
    return Number.isInteger(ticks) ? ticks : undefined
  }

  insert(positionTicks: number, payload: Uint8Array): Placing {
    const placing = this.#place(positionTicks, payload)
    if (placing === 'placed') this.#unjournaled.add(positionTicks, positionTicks + payload.length / this.#bytesPerTick)
    return placing
  }

  replay({ positionTicks, bytes }: News): Placing {
    const edge = this.edgeTicks ?? 0
    if (positionTicks >= edge) return this.#place(positionTicks, bytes)
    const known = (edge - positionTicks) * this.#bytesPerTick
    return known >= bytes.length ? 'late' : this.#place(edge, bytes.subarray(known))
  }

  takeNews(): readonly News[] {
    if (this.#unjournaled.isEmpty) return []
    return this.#unjournaled.takeBelow(Number.POSITIVE_INFINITY).map(({ from, to }) => ({
      positionTicks: from,
      bytes: this.#slice(from, to),
    }))
  }

  take(toTicks: number): readonly Piece[] {
    if (!this.#isBegun) {
      if (this.#covered.first === undefined) return []
      this.begin(this.#covered.first)
    }
    const pieces: Piece[] = []
    let at = this.#startTicks
    for (const { from, to } of this.#covered.takeBelow(toTicks)) {
      if (from > at) pieces.push({ kind: 'gap', ticks: from - at })
      pieces.push({ kind: 'audio', ticks: to - from, bytes: this.#slice(from, to).slice() })
      at = to
    }
    if (toTicks > at) {
      pieces.push({ kind: 'gap', ticks: toTicks - at })
      at = toTicks
    }
    this.#shift(at)
    return pieces
  }

  #place(positionTicks: number, payload: Uint8Array): Placing {
    const ticks = payload.length / this.#bytesPerTick
    if (positionTicks < this.#startTicks) return 'late'
    if (positionTicks + ticks - this.#startTicks > this.#ticksMax) {
      if (!this.#covered.isEmpty || this.#isBegun) return 'ahead'
      this.#startTicks = positionTicks
    }
    this.#reserve(positionTicks + ticks)
    if (this.#covered.add(positionTicks, positionTicks + ticks) === 0) return 'duplicate'
    this.#bytes.set(payload, (positionTicks - this.#startTicks) * this.#bytesPerTick)
    if (positionTicks + ticks > this.#endTicks) this.#endTicks = positionTicks + ticks
    return 'placed'
  }

  #slice(from: number, to: number): Uint8Array {
    const at = this.#startTicks
    return this.#bytes.subarray((from - at) * this.#bytesPerTick, (to - at) * this.#bytesPerTick)
  }

  /** Forgets everything before a tick. */
  #shift(toTicks: number): void {
    if (toTicks <= this.#startTicks) return
    const from = (toTicks - this.#startTicks) * this.#bytesPerTick
    if (from < this.#bytes.length)
      this.#bytes.copyWithin(0, from, (this.#endTicks - this.#startTicks) * this.#bytesPerTick)
    this.#startTicks = toTicks
    if (this.#endTicks < toTicks) this.#endTicks = toTicks
  }

  /** Makes room before what is there. */
  #moveBack(toTicks: number): void {
    const room = (this.#startTicks - toTicks) * this.#bytesPerTick
    const moved = new Uint8Array(room + this.#bytes.length)
    moved.set(this.#bytes, room)
    this.#bytes = moved
    this.#startTicks = toTicks
  }

  #reserve(toTicks: number): void {
    const wanted = (toTicks - this.#startTicks) * this.#bytesPerTick
    if (wanted <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(wanted, this.#bytes.length * 2))
    grown.set(this.#bytes)
    this.#bytes = grown
  }
}
