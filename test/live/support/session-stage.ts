import { CallGenerator } from '../../../src/caller/place-call.ts'
import type { SessionOptions } from '../../../src/caller/siprec-options.ts'
import type { CompletedSession, RunningSession, StreamOutcome } from '../../../src/caller/siprec-outcome.ts'
import { waitFor } from '../../support/wait-for.ts'
import { type Channels, decodeChannels } from './channels.ts'
import type { LiveServer, WireDetails, WireRecording } from './live-server.ts'
import { judgeChannels, latenessOf, onClockOfRecording } from './session-judge.ts'

/** What our own API says of who took part in a session. */
export interface WireMetadata {
  readonly participants: readonly { readonly names: readonly { readonly aor?: string; readonly name?: string }[] }[]
}

const LOOPBACK = '127.0.0.1'
const TWO_CHANNELS = [[0], [1]] as const

/** Begins recording sessions with a live server, from any address of this machine, and finds what was recorded of them. */
export class SessionStage {
  readonly #live: LiveServer
  readonly #t1Ms: number
  readonly #generators = new Map<string, Promise<CallGenerator>>()

  /** `t1Ms`: how long a round trip may take (RFC 3261 §17.1.1.1); the shorter, the sooner a server that is gone is given up. */
  constructor(live: LiveServer, t1Ms = 100) {
    this.#live = live
    this.#t1Ms = t1Ms
  }

  /** Begins a session; rejects when it is not answered as the rules say. */
  async begin(options: SessionOptions, localAddress = LOOPBACK): Promise<RunningSession> {
    const session = await (await this.generator(localAddress)).startSession(options)
    if (session.kind === 'failed') throw new Error(JSON.stringify(session.invite))
    return session
  }

  /** The generator that calls from an address. */
  generator(localAddress = LOOPBACK): Promise<CallGenerator> {
    const target = `sip:${LOOPBACK}:${this.#live.sipPort()}`
    const known = this.#generators.get(localAddress) ?? CallGenerator.open({ target, localAddress, t1Ms: this.#t1Ms })
    this.#generators.set(localAddress, known)
    return known
  }

  /** The recordings of a session once all of them are final: one, or one for each stream, the first participant's first. */
  async finalsOf(legId: string, count = 1): Promise<readonly WireDetails[]> {
    const found = await waitFor(async () => {
      const all = (await this.#live.list()).filter(({ relay_sip_leg_id }) => relay_sip_leg_id === legId)
      return all.length === count && all.every(({ status }) => status !== 'recording') ? all : undefined
    })
    const details = await Promise.all(found.map(({ id }) => this.#live.details(id)))
    return details.toSorted((a, b) => a.track.localeCompare(b.track))
  }

  /** The audio of a recording, all channels. */
  async channelsOf({ url }: WireRecording): Promise<Channels> {
    return decodeChannels(await this.#live.bytes(url.replace('.ogg?', '.wav?')))
  }

  /** What is wrong with the recording of two streams that was recorded to its end, what the sender was late with forgiven. */
  async complaintsOf(recording: WireRecording, sent: readonly StreamOutcome[]): Promise<readonly string[]> {
    const channels = await this.channelsOf(recording)
    const streams = onClockOfRecording(channels, sent, TWO_CHANNELS)
    return judgeChannels(channels, streams, TWO_CHANNELS, latenessOf(streams)).complaints
  }

  /** What is kept of a recording's metadata. */
  metadataOf(id: string): Promise<WireMetadata> {
    return this.#live.get<WireMetadata>(`/v1/recordings/${id}/metadata`)
  }

  /** Closes the sockets; sessions that run are lost to this side. New ones come from new sockets, and find a server that was started anew. */
  async close(): Promise<void> {
    const opened = [...this.#generators.values()]
    this.#generators.clear()
    for (const generator of await Promise.allSettled(opened))
      if (generator.status === 'fulfilled') generator.value.close()
  }
}

/** How a session ended that was answered and broke no rule; throws what else happened. */
export const completed = async (session: RunningSession): Promise<CompletedSession> => {
  const outcome = await session.outcome
  if (outcome.kind === 'failed') throw new Error(JSON.stringify(outcome.invite))
  return outcome
}

/** The leg id of the recordings of a session: that of its communication session. */
export const legIdOf = ({ communications }: Pick<RunningSession, 'communications'>): string =>
  communications[0]?.uuid ?? ''
