import type { Pacer } from './pacer.ts'
import type { RemoteLine } from './read-description.ts'
import type { ModifyOutcome, SipDialog } from './sip-dialog.ts'
import type { MetadataMode, SessionAction } from './siprec-events.ts'
import type { SessionOptions } from './siprec-options.ts'
import type { RemoteLines, SessionExchange, StreamOutcome } from './siprec-outcome.ts'
import type { RecordingSide } from './siprec-side.ts'
import { type CommunicationState, isSending, nextState, type SessionState } from './siprec-state.ts'
import { SessionStream, type StreamSurroundings } from './siprec-stream.ts'

/** What a session is made of once it has been answered. */
export interface SessionParts {
  readonly call: SipDialog<RemoteLines>
  readonly side: RecordingSide
  /** Each at its position; those that are added come behind them. */
  readonly streams: SessionStream[]
  readonly surroundings: StreamSurroundings
  readonly options: SessionOptions
  readonly pacer: Pacer
}

type Outcome = ModifyOutcome<RemoteLines>
/** What changes the state of a session. */
type StateAction = Exclude<SessionAction, { kind: 'hang-up' | 'refresh' | 'rekey' }>

/** Asks the server for changes of a session, and has the media follow what both sides have agreed on. One at a time: whoever calls it sees to that. */
export class SessionChanges {
  readonly #parts: SessionParts
  readonly #violated: (reason: string) => void
  readonly #answeredAtMs: number
  /** Where the session's time begins, on the pacer's clock. */
  zeroMs = 0
  readonly exchanges: SessionExchange[] = []
  /** Every communication session that there was, in order. */
  readonly communications: CommunicationState[] = []

  constructor(parts: SessionParts, violated: (reason: string) => void) {
    this.#parts = parts
    this.#violated = violated
    this.#answeredAtMs = parts.pacer.nowMs()
    this.#remember(parts.side.state)
  }

  /** Since the answer. */
  elapsedMs(): number {
    return this.#parts.pacer.nowMs() - this.#answeredAtMs
  }

  /** Starts the media of all streams, on one clock. Rejects with what an encoder says that cannot be made. */
  async begin(): Promise<void> {
    const { streams, pacer } = this.#parts
    for (const position of streams.keys()) await this.#prepare(position, streams[position]?.options.startsAtMs ?? 0)
    this.zeroMs = pacer.nowMs()
    this.followAll()
    for (const stream of streams) stream.start(this.zeroMs + (stream.options.startsAtMs ?? 0) / this.#speed)
  }

  /** Does something. Rejects with CALL_INVALID for a stream or a participant that is none. */
  async ask(action: Exclude<SessionAction, { kind: 'hang-up' }>): Promise<Outcome> {
    const { call, side } = this.#parts
    switch (action.kind) {
      case 'refresh':
        return this.#exchange(action.kind, () => call.refresh())
      case 'rekey':
        return this.#rekey()
      case 'metadata':
        return this.#change(action, (mode) =>
          action.by === 'INVITE' || mode === 'none'
            ? call.reinvite({ body: side.offer(mode) })
            : call.update({ body: side.tell(mode) }),
        )
      default:
        return this.#change(action, (mode) => call.reinvite({ body: side.offer(mode) }))
    }
  }

  /** Tells everything, as the server has asked for. */
  async giveSnapshot(): Promise<void> {
    const { call, side, options } = this.#parts
    const by = options.answersSnapshotsBy ?? 'UPDATE'
    if (by === 'nothing') return
    const outcome = await this.#exchange('snapshot', () =>
      by === 'UPDATE' ? call.update({ body: side.tell('complete') }) : call.reinvite({ body: side.offer('complete') }),
    )
    if (outcome.kind === 'agreed') side.wasTold()
    this.followAll()
  }

  /** Every stream does what both sides have agreed on. */
  followAll(): void {
    const { side, streams } = this.#parts
    for (const [position, remote] of side.remote.entries()) {
      const stream = side.state.streams[position]
      if (stream) streams[position]?.follow(remote, isSending(side.state, stream))
    }
  }

  /** What became of the streams, each at its position. */
  outcomes(): readonly StreamOutcome[] {
    const { streams, side } = this.#parts
    return streams.flatMap((stream, position) => stream.outcome(side.remote[position] as RemoteLine) ?? [])
  }

  get #speed(): number {
    return this.#parts.options.speed ?? 1
  }

  /** Asks for what an action makes of the session; as it was, unless the server agrees. */
  async #change(action: StateAction, ask: (mode: MetadataMode) => Promise<Outcome>): Promise<Outcome> {
    const { side, options, streams } = this.#parts
    const before = side.state
    await this.#take(nextState(before, action, { options, at: new Date().toISOString() }))
    // What is not to be heard any more is silent before the server is told.
    for (const [position, stream] of side.state.streams.entries())
      if (!isSending(side.state, stream)) streams[position]?.mute(true)
    const mode = action.metadata ?? 'partial'
    const outcome = await this.#exchange(action.kind, () => ask(mode))
    if (outcome.kind === 'agreed') {
      if (mode !== 'none') side.wasTold()
      await this.#settle(action, before)
    } else this.#undo(before)
    this.followAll()
    return outcome
  }

  /** The state is this from now on, with sockets for the streams that are new in it. */
  async #take(state: SessionState): Promise<void> {
    const { side, streams, surroundings } = this.#parts
    for (const { options } of state.streams.slice(streams.length))
      streams.push(await SessionStream.open(options, surroundings))
    side.state = state
    side.media = streams.map(({ local }) => local)
  }

  /** The media does what the server has agreed to. */
  async #settle(action: StateAction, before: SessionState): Promise<void> {
    const { side, streams } = this.#parts
    this.#remember(side.state)
    if (action.kind === 'transfer' && !action.newStream)
      for (const position of before.participants[action.leaves]?.streams ?? []) streams[position]?.changeSource()
    for (const [position, { isRemoved }] of side.state.streams.entries()) if (isRemoved) streams[position]?.stop()
    await this.#startNew(before.streams.length)
  }

  #undo(before: SessionState): void {
    const { side, streams } = this.#parts
    for (const stream of streams.splice(before.streams.length)) stream.close()
    side.state = before
    side.media = streams.map(({ local }) => local)
  }

  async #startNew(from: number): Promise<void> {
    const { streams, pacer } = this.#parts
    for (const position of [...streams.keys()].slice(from)) {
      const elapsedMs = (pacer.nowMs() - this.zeroMs) * this.#speed
      const startsAtMs = Math.max(streams[position]?.options.startsAtMs ?? 0, elapsedMs)
      await this.#prepare(position, startsAtMs)
      streams[position]?.start(Math.max(pacer.nowMs(), this.zeroMs + startsAtMs / this.#speed))
    }
  }

  async #prepare(position: number, startsAtMs: number): Promise<void> {
    const { call, side, streams, surroundings, pacer, options } = this.#parts
    const stream = streams[position] as SessionStream
    const endsAtMs = stream.options.endsAtMs ?? options.durationMs
    await stream.prepare(side.remote[position] as RemoteLine, side.codecs[position], {
      pacer,
      cname: `${call.callId}-${position}@${surroundings.address}`,
      durationMs: Math.max(1, endsAtMs - startsAtMs),
      speed: this.#speed,
    })
  }

  async #rekey(): Promise<Outcome> {
    const { call, side, streams } = this.#parts
    const keys = streams.map(({ key }) => key)
    for (const stream of streams) stream.rekey()
    side.media = streams.map(({ local }) => local)
    const outcome = await this.#exchange('rekey', () => call.reinvite())
    if (outcome.kind !== 'agreed') {
      for (const [position, stream] of streams.entries()) stream.rekey(keys[position])
      side.media = streams.map(({ local }) => local)
    }
    this.followAll()
    return outcome
  }

  async #exchange(kind: SessionExchange['kind'], ask: () => Promise<Outcome>): Promise<Outcome> {
    const atMs = this.elapsedMs()
    const outcome = await ask()
    this.exchanges.push({ kind, atMs, tookMs: this.elapsedMs() - atMs, outcome })
    if (outcome.kind === 'wrong-answer') this.#violated(`${kind} at ${Math.round(atMs)} ms: ${outcome.reason}`)
    return outcome
  }

  #remember({ communication }: SessionState): void {
    if (communication && communication.id !== this.communications.at(-1)?.id) this.communications.push(communication)
  }
}
