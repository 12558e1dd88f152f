import { randomUUID } from 'node:crypto'
import type { SipHeaders } from '../../../src/protocol/sip/message.ts'
import { aMetadata, aSessionOffer, BOUNDARY, multipart, type OfferedLine } from '../../builders/siprec-text.ts'
import type { LiveServer } from './live-server.ts'
import { WirePeer } from './wire-peer.ts'

/** What our own API says of the metadata of a recording. */
export interface WireHistory {
  readonly history: readonly { readonly mode?: string; readonly reason?: string }[]
}

const LOOPBACK = '127.0.0.1'
const METADATA = 'application/rs-metadata+xml'
export const MULTIPART = `multipart/mixed;boundary=${BOUNDARY}`
export const SDP: SipHeaders = [['Content-Type', 'application/sdp']]
/** Of a body that is metadata alone. */
export const ALONE: SipHeaders = [['Content-Type', METADATA]]

/** Audio lines of an offer, numbered from a place on. */
export const lines = (count: number, more: Partial<OfferedLine> = {}, from = 0): readonly OfferedLine[] =>
  Array.from({ length: count }, (_, index) => from + index).map((place) => ({
    port: 20_000 + 2 * place,
    label: `${place + 1}`,
    ...more,
  }))

export const offerOf = (offered: readonly OfferedLine[]): string => aSessionOffer(offered, LOOPBACK)

export const bodyOf = (offered: readonly OfferedLine[], metadata: string): string =>
  multipart([
    ['application/sdp', offerOf(offered)],
    [METADATA, metadata],
  ])

/** Header fields by which a recording client is known (RFC 7866 §6.1). */
export const asClient = ({ local }: WirePeer, type = MULTIPART): SipHeaders => [
  ['Require', 'siprec'],
  ['Contact', `<sip:src@${local.address}:${local.port}>;+sip.src`],
  ['Content-Type', type],
]

/** Recording clients that do what they like with a live server, and what it has recorded of them. */
export class HostileClients {
  readonly #live: LiveServer
  readonly #peers: WirePeer[] = []

  constructor(live: LiveServer) {
    this.#live = live
  }

  close(): void {
    for (const peer of this.#peers) peer.close()
  }

  async peer(from = LOOPBACK): Promise<WirePeer> {
    const peer = await WirePeer.open(this.#live.sipPort('udp'), from)
    this.#peers.push(peer)
    return peer
  }

  /** A session that is up, of streams that say nothing: two unless told otherwise. */
  async session(
    parts: { readonly metadata?: string; readonly from?: string } = {},
  ): Promise<{ readonly peer: WirePeer; readonly legId: string }> {
    const { metadata, from } = parts
    const legId = randomUUID()
    const peer = await this.peer(from)
    const told = metadata?.replaceAll('LEG', legId) ?? aMetadata({ session: legId })
    const { status } = await peer.invite({ body: bodyOf(lines(2), told), headers: asClient(peer) })
    if (status !== 200) throw new Error(`a session was answered with ${status}`)
    return { peer, legId }
  }

  /** The id of the recording of a leg; undefined: there is none. */
  async recordingOf(legId: string): Promise<string | undefined> {
    return (await this.#live.list()).find((each) => each.relay_sip_leg_id === legId)?.id
  }

  async historyOf(legId: string): Promise<WireHistory['history']> {
    const id = await this.recordingOf(legId)
    return (await this.#live.get<WireHistory>(`/v1/recordings/${id}/metadata`)).history
  }
}
