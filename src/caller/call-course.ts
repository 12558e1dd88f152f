import type { CallMedia } from './call-media.ts'
import type { CallOptions } from './call-options.ts'
import type { SipCall } from './sip-call.ts'

/** The last packet must have been read when the BYE comes. */
export const LAST_PACKET_MS = 20

/** What happens in a call after its answer: holds at their times, then the end. */
export class CallCourse {
  readonly #call: SipCall
  readonly #media: CallMedia
  readonly #options: CallOptions
  readonly #timers: NodeJS.Timeout[] = []
  readonly #hungUp = Promise.withResolvers<void>()
  endedAtMs = 0

  constructor(call: SipCall, media: CallMedia, options: CallOptions) {
    this.#call = call
    this.#media = media
    this.#options = options
  }

  hangUp(): void {
    this.#hungUp.resolve()
  }

  /** Until the call is over; how long the answer to the BYE took, if there was one. */
  async run(): Promise<number | undefined> {
    if (this.#options.signalsHolds ?? true) this.#planHolds()
    const spoken = this.#media.done.then(() => this.#wait(LAST_PACKET_MS + (this.#options.lingerMs ?? 0)))
    await Promise.race([spoken, this.#call.ended, this.#hungUp.promise])
    this.#media.stop()
    for (const timer of this.#timers) clearTimeout(timer)
    await this.#media.done
    this.endedAtMs = Date.now()
    return byeOf(this.#call)
  }

  #planHolds(): void {
    const { impairments: { holds = [] } = {}, speed = 1 } = this.#options
    for (const { fromMs, toMs } of holds) {
      // What a re-INVITE comes to does not matter to the media; who cares looks at the call.
      this.#at(fromMs / speed, () => this.#call.hold())
      this.#at(toMs / speed, () => this.#call.resume())
    }
  }

  #at(afterMs: number, act: () => Promise<unknown>): void {
    this.#timers.push(setTimeout(() => void act(), afterMs))
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#timers.push(setTimeout(resolve, ms))
    })
  }
}

/** Hangs up unless the call is over already; how long the answer to the BYE took, if there was one. */
export const byeOf = async (call: Pick<SipCall, 'isOver' | 'bye'>): Promise<number | undefined> => {
  if (call.isOver) return undefined
  const startedAtMs = performance.now()
  const { kind } = await call.bye()
  return kind === 'response' ? performance.now() - startedAtMs : undefined
}
