import { randomUUID } from 'node:crypto'
import type { EndReason } from '../domain/call-details.ts'
import type { MetadataVersion } from '../domain/session-metadata.ts'
import type { CallRequest, MediaPorts, RecordedCall, Reservation, StreamPlan, StreamTerms } from './call-recorder.ts'
import { portsGone } from './ports-gone.ts'

/** What makes a call of several recordings. */
export interface SeparateParts {
  /** Reserves so many streams for one recording. */
  readonly reserve: (streamCount: number) => Promise<Reservation>
  /** A stream that joins later, or its metadata, was missed; the others go on. */
  readonly onTrouble: (error: unknown) => void
}

/**
 * A call of several streams of which each becomes a recording of its own: to the door one call, to capture as many as there are streams. The first is `inbound`,
 * the others `outbound`. Their end is the last one's. Rejects as `reserve` does.
 */
export const reserveSeparately = async (made: SeparateParts, streamCount: number): Promise<Reservation> => {
  const parts: Reservation[] = []
  try {
    while (parts.length < streamCount) parts.push(await made.reserve(1))
  } catch (error) {
    for (const part of parts) part.release()
    throw error
  }
  return new SeparateReservation(made, parts)
}

/** A place for each stream, in their order; what begins takes its place out. */
class SeparateReservation implements Reservation {
  readonly ports: readonly MediaPorts[]
  readonly #made: SeparateParts
  /** Undefined: its port is gone. */
  readonly #parts: (Reservation | undefined)[]
  readonly #begun = new Set<Reservation>()
  #recordings: SeparateRecordings | undefined
  #isOver = false

  constructor(made: SeparateParts, parts: readonly (Reservation | undefined)[]) {
    this.ports = parts.flatMap((part) => part?.ports ?? [])
    this.#made = made
    this.#parts = [...parts]
  }

  async addStream(): Promise<MediaPorts> {
    const part = await this.#made.reserve(1)
    if (this.#isOver) {
      part.release()
      throw portsGone()
    }
    this.#parts.push(part)
    return part.ports[0] as MediaPorts
  }

  async succeed(): Promise<Reservation> {
    await this.#recordings?.settled
    this.#isOver = true
    const parts = await Promise.all(this.#parts.map((part) => this.#successorOf(part)))
    if (parts.every((part) => part === undefined)) throw portsGone()
    return new SeparateReservation(this.#made, parts)
  }

  release(): void {
    if (this.#isOver) return
    this.#isOver = true
    for (const part of this.#parts) if (part && !this.#begun.has(part)) part.release()
  }

  async begin(request: CallRequest): Promise<RecordedCall> {
    const grouped = { ...request, group: randomUUID() }
    const places = Array.from({ length: request.streams.length }, (_, index) => index)
    const begun = await Promise.allSettled(places.map((index) => this.#beginPart(grouped, index)))
    const calls = begun.map((each) => (each.status === 'fulfilled' ? each.value : undefined))
    const failed = begun.find((each) => each.status === 'rejected')
    if (failed || calls.every((call) => call === undefined)) {
      // All or none: what had begun when one could not ends without audio.
      this.release()
      await Promise.all(calls.map((call) => call?.end('internal')))
      throw failed ? failed.reason : portsGone()
    }
    this.#recordings = new SeparateRecordings(calls, {
      begin: (terms, index) => this.#beginPart({ ...grouped, ...terms }, index),
      onEnding: () => this.release(),
      onTrouble: this.#made.onTrouble,
    })
    return this.#recordings
  }

  async #beginPart(request: CallRequest, index: number): Promise<RecordedCall | undefined> {
    const part = this.#parts[index]
    if (!part) return undefined
    this.#begun.add(part)
    return part.begin(partOf(request, index))
  }

  /** Ports that nobody has used yet are handed on as they are. */
  async #successorOf(part: Reservation | undefined): Promise<Reservation | undefined> {
    if (!part || !this.#begun.has(part)) return part
    // One that has ended by itself has closed its ports.
    return part.succeed().catch(() => undefined)
  }
}

/** Several recorded calls as one. */
class SeparateRecordings implements RecordedCall {
  readonly ended: Promise<EndReason>
  /** By stream; undefined: one that could not begin is missed alone, the others go on. */
  readonly #calls: (RecordedCall | undefined)[]
  readonly #begin: (terms: StreamTerms, index: number) => Promise<RecordedCall | undefined>
  readonly #onEnding: () => void
  readonly #onTrouble: (error: unknown) => void
  #newest: MetadataVersion | undefined
  #growing: Promise<void> = Promise.resolve()
  #isEnding = false

  constructor(
    calls: readonly (RecordedCall | undefined)[],
    parts: {
      readonly begin: (terms: StreamTerms, index: number) => Promise<RecordedCall | undefined>
      readonly onEnding: () => void
      readonly onTrouble: (error: unknown) => void
    },
  ) {
    this.#calls = [...calls]
    this.#begin = parts.begin
    this.#onEnding = parts.onEnding
    this.#onTrouble = parts.onTrouble
    this.ended = this.#lastEnd()
  }

  get recordingId(): RecordedCall['recordingId'] {
    return this.#first.recordingId
  }

  /** Resolves when no stream is about to join. */
  get settled(): Promise<void> {
    return this.#growing
  }

  update(terms: StreamTerms): void {
    for (const [index, call] of this.#calls.entries()) if (terms.streams[index]) call?.update(oneOf(terms, index))
    this.#growing = this.#growing.then(() => this.#grow(terms))
  }

  async appendMetadata(version: MetadataVersion): Promise<void> {
    this.#newest = version
    const appended = await Promise.allSettled(this.#calls.map((call) => call?.appendMetadata(version)))
    const failed = appended.find((each) => each.status === 'rejected')
    if (failed) throw failed.reason
  }

  async end(reason: EndReason): Promise<void> {
    this.#isEnding = true
    this.#onEnding()
    const endAll = () => Promise.all(this.#calls.map((call) => call?.end(reason)))
    await Promise.all([endAll(), this.#growing.then(endAll)])
  }

  get #first(): RecordedCall {
    return this.#calls.find((call) => call !== undefined) as RecordedCall
  }

  /** Streams that have joined since. */
  async #grow(terms: StreamTerms): Promise<void> {
    for (let index = this.#calls.length; index < terms.streams.length && !this.#isEnding; index += 1) {
      const call = await this.#begin(terms, index).catch((error: unknown) => {
        this.#onTrouble(error)
        return undefined
      })
      this.#calls.push(call)
      // It began with what metadata said first; what introduced it came last.
      if (this.#newest) await call?.appendMetadata(this.#newest).catch(this.#onTrouble)
    }
  }

  /** When all have ended, those that join later too: the first one's reason. One stream that falls silent ends no call. */
  async #lastEnd(): Promise<EndReason> {
    // The list grows while we wait.
    for (let index = 0; index < this.#calls.length; index += 1) await this.#calls[index]?.ended
    return this.#first.ended
  }
}

/** One stream's part of a call: kept as received. */
const partOf = ({ layout: _separate, ...request }: CallRequest, index: number): CallRequest => ({
  ...request,
  ...oneOf(request, index),
  track: index === 0 ? 'inbound' : 'outbound',
})

const oneOf = ({ streams, security }: StreamTerms, index: number): StreamTerms => {
  const { channel: _none, ...plan } = streams[index] as StreamPlan
  return { streams: [plan], security: [security?.[index]] }
}
