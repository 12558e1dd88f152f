import { byeOf, LAST_PACKET_MS } from './call-course.ts'
import type { ModifyOutcome } from './sip-dialog.ts'
import { SessionChanges, type SessionParts } from './siprec-changes.ts'
import type { SessionAction } from './siprec-events.ts'
import type { RemoteLines, ServerRequest } from './siprec-outcome.ts'

/** What happens in a session after its answer: one thing after the other, each request once the one before is answered; then the end. */
export class SessionCourse {
  readonly #parts: SessionParts
  readonly #timers: NodeJS.Timeout[] = []
  readonly #hungUp = Promise.withResolvers<void>()
  #queue: Promise<unknown> = Promise.resolve()
  #isEnding = false
  #fault: unknown
  readonly changes: SessionChanges
  readonly requests: ServerRequest[] = []
  endedAtMs = 0
  /** What the server did against the rules, at first. */
  violation: string | undefined

  constructor(parts: SessionParts) {
    this.#parts = parts
    const changes = new SessionChanges(parts, (reason) => this.#violate(reason))
    this.changes = changes
    parts.side.listener = {
      requested: (request) => this.requests.push({ ...request, atMs: changes.elapsedMs() }),
      snapshotWanted: () => void this.#enqueue(() => changes.giveSnapshot()).catch(this.#fail),
      changed: () => changes.followAll(),
      violated: (reason) => this.#violate(reason),
    }
  }

  /** Starts the media of all streams and sets what is to happen. Rejects with what an encoder says that cannot be made. */
  async begin(): Promise<void> {
    await this.changes.begin()
    for (const event of this.#parts.options.events ?? [])
      this.#at(event.atMs, () => void this.act(event).catch(this.#fail))
  }

  /** Does something behind what is being done; undefined when it needs no request. Rejects with CALL_INVALID for what cannot be done. */
  async act(action: SessionAction): Promise<ModifyOutcome<RemoteLines> | undefined> {
    if (action.kind !== 'hang-up') return this.#enqueue(() => this.changes.ask(action))
    await this.#enqueue(async () => this.hangUp())
    return undefined
  }

  hangUp(): void {
    this.#hungUp.resolve()
  }

  /** Until the session is over; how long the answer to the BYE took, if there was one. Rejects with what went wrong on this side. */
  async run(): Promise<number | undefined> {
    const { call, streams } = this.#parts
    await Promise.race([this.#spoken(), call.ended, this.#hungUp.promise])
    this.#isEnding = true
    for (const timer of this.#timers) clearTimeout(timer)
    for (const stream of streams) stream.stop()
    await this.#queue
    // One that was just being added has begun in the meantime.
    for (const stream of streams) stream.stop()
    await Promise.all(streams.map(({ done }) => done))
    this.endedAtMs = Date.now()
    const byeAnsweredAfterMs = await byeOf(call)
    if (this.#fault !== undefined) throw this.#fault
    return byeAnsweredAfterMs
  }

  readonly #fail = (error: unknown): void => {
    this.#fault ??= error
    this.hangUp()
  }

  #violate(reason: string): void {
    this.violation ??= reason
    this.hangUp()
  }

  #enqueue<T>(work: () => Promise<T>): Promise<T | undefined> {
    const done = this.#queue.then(() => (this.#isEnding || this.#parts.call.isOver ? undefined : work()))
    this.#queue = done.catch(() => {})
    return done
  }

  /** Resolves when everything has been said and the session's time is over. */
  async #spoken(): Promise<void> {
    const { options, streams } = this.#parts
    await new Promise<void>((resolve) => this.#at(options.durationMs, resolve))
    await Promise.all(streams.map(({ done }) => done))
    await this.#wait(LAST_PACKET_MS + (options.lingerMs ?? 0))
  }

  /** At a time of the session. */
  #at(atMs: number, act: () => void): void {
    const { options, pacer } = this.#parts
    this.#timers.push(setTimeout(act, this.changes.zeroMs + atMs / (options.speed ?? 1) - pacer.nowMs()))
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#timers.push(setTimeout(resolve, ms))
    })
  }
}
