import { CallGenerator } from '../../src/caller/place-call.ts'
import type { SessionOptions } from '../../src/caller/siprec-options.ts'
import type { CompletedSession, RunningSession, SessionOutcome } from '../../src/caller/siprec-outcome.ts'
import type { SipRequest } from '../../src/protocol/sip/message.ts'
import { MediaSink } from '../fakes/media-sink.ts'
import { type Script, ScriptedUas } from '../fakes/scripted-uas.ts'
import { recordingServer } from './recording-server.ts'
import { T1_MS } from './sip-caller.ts'

const SINKS = 4

/** A scripted recording server with a port for each of four lines, and a generator that calls it. */
export class RecordingStage {
  readonly sinks: readonly MediaSink[]
  readonly uas: ScriptedUas
  readonly generator: CallGenerator
  /** What the server does; it takes everything unless said. */
  script: Script

  private constructor(sinks: readonly MediaSink[], uas: ScriptedUas, generator: CallGenerator, script: Script) {
    this.sinks = sinks
    this.uas = uas
    this.generator = generator
    this.script = script
  }

  static async open(): Promise<RecordingStage> {
    const sinks = await Promise.all(Array.from({ length: SINKS }, () => MediaSink.open()))
    const lineOf = (position: number) => ({ port: sinks[position]?.port ?? 9 })
    const uas = await ScriptedUas.open((request, each) => stage.script(request, each))
    const generator = await CallGenerator.open({ target: uas.target, t1Ms: T1_MS })
    const stage: RecordingStage = new RecordingStage(sinks, uas, generator, recordingServer(lineOf))
    return stage
  }

  close(): void {
    this.generator.close()
    this.uas.close()
    for (const sink of this.sinks) sink.close()
  }

  /** Begins a session that must be answered. */
  async begin(options: SessionOptions): Promise<RunningSession> {
    const session = await this.generator.startSession(options)
    if (session.kind !== 'running') throw new Error(JSON.stringify(session))
    return session
  }

  /** A session to its end, which must be a good one. */
  async complete(options: SessionOptions): Promise<CompletedSession> {
    return completed(await (await this.begin(options)).outcome)
  }

  /** The requests of a method, in order; one that was repeated, as on a busy machine, is one. */
  requests(method: string): readonly SipRequest[] {
    const transactions = new Map<string, SipRequest>()
    for (const request of this.uas.received) {
      const key = JSON.stringify(request.headers.filter(([name]) => name === 'Via' || name === 'CSeq'))
      if (request.method === method && !transactions.has(key)) transactions.set(key, request)
    }
    return [...transactions.values()]
  }
}

/** A session that must have come to a good end. */
export const completed = (outcome: SessionOutcome): CompletedSession => {
  if (outcome.kind !== 'completed') throw new Error(JSON.stringify(outcome.invite))
  return outcome
}
