import { PoulsenError } from '../../src/domain/errors.ts'
import type { PeerAnswer, PeerEnd, PeerOffer, WebRtcPeers } from '../../src/ports/webrtc-peers.ts'

/** What the fake answers every peer. */
export const FAKE_ANSWER: PeerAnswer = {
  ice: { ufrag: 'ours', pwd: 'a'.repeat(22) },
  fingerprint: { algorithm: 'sha-256', value: 'AA:BB' },
  setup: 'passive',
  candidates: [
    'candidate:1 1 UDP 2114977791 192.0.2.9 8189 typ host',
    'candidate:2 1 UDP 2114977535 fd00::9 8189 typ host',
  ],
}

/** WebRTC transport without any: it answers what it is told to, and its peers end when a test says so. Keeps to the contract: each ends once, or is dropped. */
export class FakeWebRtcPeers implements WebRtcPeers {
  readonly origin = { address: '127.0.0.1', port: 50_000 }
  /** What those offered that are there, by id. */
  readonly living = new Map<string, PeerOffer>()
  readonly added: { readonly id: string; readonly candidates: readonly string[] }[] = []
  /** What an answer waits for; one that rejects is a refusal. */
  answering: Promise<void> = Promise.resolve()
  #listener: (id: string, end: PeerEnd) => void = () => {}

  async connect(id: string, offer: PeerOffer): Promise<PeerAnswer> {
    if (this.living.has(id)) throw new Error('an id is in use')
    this.living.set(id, offer)
    try {
      await this.answering
    } catch (error) {
      this.living.delete(id)
      throw error
    }
    return FAKE_ANSWER
  }

  async addCandidates(id: string, candidates: readonly string[]): Promise<void> {
    if (this.living.has(id)) this.added.push({ id, candidates })
  }

  drop(id: string): void {
    this.living.delete(id)
  }

  onEnded(listener: (id: string, end: PeerEnd) => void): void {
    this.#listener = listener
  }

  /** A peer is gone. */
  end(id: string, end: PeerEnd): void {
    if (this.living.delete(id)) this.#listener(id, end)
  }
}

/** A refusal as transport gives it. */
export const refusedByTransport = (): PoulsenError =>
  new PoulsenError({ code: 'WEBRTC_REFUSED', kind: 'invalid', message: 'a refusal of the test' })
