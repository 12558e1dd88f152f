import { PeerConnection, type Track } from 'node-datachannel'
import type { PeerAnswer, PeerEnd, PeerOffer } from '../../ports/webrtc-peers.ts'
import { formatLibraryOffer, readLibraryAnswer } from './library-sdp.ts'
import type { PeersListen } from './messages.ts'

/** What happens at one peer. */
export interface PeerEvents {
  /** A packet, RTP or RTCP, of the line with this index. Its bytes are the listener's own. */
  readonly onPacket: (line: number, bytes: Buffer) => void
  readonly onEnded: (end: PeerEnd) => void
}

/** One peer: an ICE and DTLS session, and the tracks of its lines. */
export class Peer {
  readonly #connection: PeerConnection
  readonly #tracks: (Track | undefined)[] = []
  readonly #mid: string
  #hasEnded = false

  /** Throws what the library throws for an offer that it does not take. */
  constructor(listen: PeersListen, offer: PeerOffer, events: PeerEvents) {
    this.#mid = offer.lines[0]?.mid ?? ''
    this.#connection = new PeerConnection('peer', {
      iceServers: [],
      bindAddress: listen.address,
      enableIceUdpMux: true,
      portRangeBegin: listen.port,
      portRangeEnd: listen.port,
    })
    this.#connection.onStateChange((state) => {
      if (state === 'failed') this.#end('lost', events)
      else if (state === 'closed') this.#end('closed', events)
    })
    this.#connection.onTrack((track) => {
      const line = offer.lines.findIndex(({ mid }) => mid === track.mid())
      this.#tracks[line] = track
      track.onMessage((bytes) => events.onPacket(line, bytes))
    })
    try {
      this.#connection.setRemoteDescription(formatLibraryOffer(offer), 'offer')
    } catch (error) {
      // Native memory that nobody else would give back.
      this.close()
      throw error
    }
  }

  /** The answer, when all of our candidates are known. Rejects when the library's answer cannot be used. */
  answer(): Promise<PeerAnswer> {
    return new Promise((resolve, reject) => {
      const read = () => {
        if (this.#connection.gatheringState() !== 'complete') return
        const answer = readLibraryAnswer(this.#connection.localDescription()?.sdp ?? '')
        if (answer) resolve(answer)
        else reject(new Error('the answer cannot be read'))
      }
      this.#connection.onGatheringStateChange(read)
      read()
    })
  }

  addCandidate(candidate: string): void {
    this.#connection.addRemoteCandidate(candidate, this.#mid)
  }

  /** Sends RTCP to the peer; before the handshake and after the end nothing happens. */
  send(line: number, bytes: Uint8Array): void {
    const track = this.#tracks[line]
    if (track?.isOpen()) track.sendMessageBinary(Buffer.from(bytes))
  }

  close(): void {
    this.#hasEnded = true
    for (const track of this.#tracks) track?.close()
    this.#connection.close()
  }

  #end(end: PeerEnd, events: PeerEvents): void {
    if (this.#hasEnded) return
    this.close()
    events.onEnded(end)
  }
}
