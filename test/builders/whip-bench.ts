import type { Publication } from '../../src/edges/whip/publication.ts'
import { WhipSessions, type WhipSessionsOptions } from '../../src/edges/whip/whip-sessions.ts'
import type { WhipSessionReport, WhipTelemetry } from '../../src/ports/whip-telemetry.ts'
import { FakeCallRecorder, type FakeRecordedCall } from '../fakes/fake-call-recorder.ts'
import { FakeWebRtcPeers } from '../fakes/fake-webrtc-peers.ts'
import { aClock, ids } from './services.ts'
import { aProject } from './values.ts'
import { acceptedOffer, CHROMIUM_OFFER } from './webrtc-offer.ts'

/** Sessions that a project may have at once. */
export const PROJECT_MAX = 2

/** Notes what it hears. */
class HeardTelemetry implements WhipTelemetry {
  readonly sessions: number[] = []
  readonly refused: string[] = []
  readonly ended: WhipSessionReport[] = []

  whipSessionsChanged(sessions: number): void {
    this.sessions.push(sessions)
  }

  whipRefused(code: string): void {
    this.refused.push(code)
  }

  whipSessionEnded(report: WhipSessionReport): void {
    this.ended.push(report)
  }
}

/** WHIP sessions over transport and capture that do as a test says. */
export class WhipBench {
  readonly clock = aClock()
  readonly recorder = new FakeCallRecorder()
  readonly peers = new FakeWebRtcPeers()
  readonly telemetry = new HeardTelemetry()
  readonly project = aProject()
  readonly sessions: WhipSessions

  constructor(options: Partial<WhipSessionsOptions> = {}) {
    const { clock, recorder, peers, telemetry } = this
    const settings = { publicAddress: undefined, projectMax: PROJECT_MAX, wavRateHz: 24_000 }
    this.sessions = new WhipSessions({ recorder, peers, clock, ids, telemetry, ...settings, ...options })
  }

  /** Publishes what Chromium offers of one microphone, unless said. */
  publish(parts: Partial<Publication> = {}): ReturnType<WhipSessions['publish']> {
    return this.sessions.publish({
      project: this.project,
      endpoint: 'support',
      author: 'me',
      offer: acceptedOffer(CHROMIUM_OFFER),
      legId: undefined,
      metadata: undefined,
      from: 'Chromium',
      claim: async () => async () => {},
      ...parts,
    })
  }

  /** The one that was begun last. */
  get lastCall(): FakeRecordedCall {
    const call = this.recorder.calls.at(-1)
    if (!call) throw new Error('no call')
    return call
  }
}

/** A gate that lets nobody through, ever: it rejects. */
export const failing = (error: Error): Promise<void> => {
  const failed = Promise.reject(error)
  failed.catch(() => {})
  return failed
}
