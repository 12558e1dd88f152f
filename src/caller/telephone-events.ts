import { invalid } from './signal.ts'

/** A key that is pressed during a call, sent as telephone-events in place of audio (RFC 4733). */
export interface KeyPress {
  /** One of `0`–`9`, `*`, `#`, `A`–`D`. */
  readonly key: string
  readonly atMs: number
  readonly durationMs: number
}

/** What one frame is of a key press. */
export interface EventFrame {
  /** Its first frame, whose timestamp all its packets have (RFC 4733 §2.3.2). */
  readonly firstFrame: number
  readonly isLast: boolean
  /** The payload of its packet. */
  readonly payload: Uint8Array
}

const KEYS = '0123456789*#ABCD'
const PRESSES_MAX = 1000
const PRESS_MAX_MS = 5000
const END = 0x80
/** −10 dBm0: about as loud as a telephone does it. */
const VOLUME = 10
/** How often the last packet of a press is sent (RFC 4733 §2.5.1.4). */
export const END_COPIES = 3

/** Throws CALL_INVALID for a key that is none, a press that is too long, or presses that overlap or come out of order. */
export const checkPresses = (presses: readonly KeyPress[]): void => {
  let freeFromMs = 0
  for (const { key, atMs, durationMs } of presses) {
    const isRight = key.length === 1 && KEYS.includes(key) && durationMs > 0 && durationMs <= PRESS_MAX_MS
    if (!isRight || !(atMs >= freeFromMs))
      throw invalid('Keys are pressed one after the other, 1 to 5000 ms each: 0–9 * # A–D.')
    freeFromMs = atMs + durationMs
  }
  if (presses.length > PRESSES_MAX) throw invalid(`Keys are pressed at most ${PRESSES_MAX} times in a call.`)
}

/** The frames of a stream that are key presses. Asked for frame after frame. */
export class EventTrack {
  readonly #presses: readonly KeyPress[]
  readonly #frameMs: number
  readonly #frameTicks: number
  #next = 0

  /** Throws CALL_INVALID as {@link checkPresses} does. */
  constructor(presses: readonly KeyPress[], frameMs: number, frameTicks: number) {
    checkPresses(presses)
    this.#presses = presses
    this.#frameMs = frameMs
    this.#frameTicks = frameTicks
  }

  /** What a frame is of a press; undefined where it is audio. */
  at(frame: number): EventFrame | undefined {
    while (this.#next < this.#presses.length && this.#endOf(this.#next) <= frame) this.#next += 1
    const press = this.#presses[this.#next]
    const firstFrame = press && Math.ceil(press.atMs / this.#frameMs)
    if (firstFrame === undefined || frame < firstFrame) return undefined
    const isLast = frame + 1 === this.#endOf(this.#next)
    const durationTicks = Math.min((frame + 1 - firstFrame) * this.#frameTicks, 0xffff)
    return { firstFrame, isLast, payload: formatEvent(press?.key ?? '', isLast, durationTicks) }
  }

  /** The frame behind a press, which takes at least one. */
  #endOf(index: number): number {
    const { atMs, durationMs } = this.#presses[index] as KeyPress
    return Math.max(Math.ceil(atMs / this.#frameMs) + 1, Math.ceil((atMs + durationMs) / this.#frameMs))
  }
}

/** RFC 4733 §2.3: event, end bit and volume, duration in ticks. */
const formatEvent = (key: string, isLast: boolean, durationTicks: number): Uint8Array =>
  Uint8Array.of(KEYS.indexOf(key), VOLUME | (isLast ? END : 0), durationTicks >> 8, durationTicks & 0xff)
