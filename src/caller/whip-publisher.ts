import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { Audio, PeerConnection, type Track } from 'node-datachannel'
import { PoulsenError } from '../domain/errors.ts'
import { type CallMedia, type MediaOptions, type MediaReport, openCallMedia } from './call-media.ts'
import { callerCodecs } from './caller-codecs.ts'
import { openMediaSockets } from './media-sockets.ts'
import type { Pacer } from './pacer.ts'

/** What is published, and whereto. */
export interface PublishOptions {
  /** Of the WHIP endpoint. */
  readonly url: string
  /** Bearer. */
  readonly token: string
  /** One audio track each. */
  readonly tracks: readonly MediaOptions[]
  /** Says in the offer that two channels come (RFC 7587 §6.1); unless said, that is left to the packets. */
  readonly saysStereo?: boolean
}

/** A WHIP session that sends. */
export interface Publishing {
  readonly location: string
  /** All tracks have been sent to their ends. */
  readonly done: Promise<void>
  reports(): readonly MediaReport[]
  /** Sends no more and ends it as RFC 9725 §4.2 says, by DELETE; the answer's status. */
  unpublish(): Promise<number>
  /** Leaves without a DELETE: DTLS says goodbye. */
  close(): void
}

/** What the server said to an offer that it did not take. */
export interface PublishRefusal {
  readonly status: number
  readonly body: string
}

const SSRC_FIRST = 0x50_0000
const CONNECT_DEADLINE_MS = 15_000
/** What was sent last is in the library's hands for so long at most. */
const ON_THE_WAY_MS = 50
const LOOPBACK = '127.0.0.1'
const RTCP_FIRST = 192
const RTCP_LAST = 223
const MID_PREFIX = 'a'

/** Publishes generated audio over WebRTC, as the other end of a WHIP endpoint. Rejects with CALL_UNREACHABLE when no connection comes about. */
export const publish = async (options: PublishOptions, pacer: Pacer): Promise<Publishing | PublishRefusal> => {
  const connection = new PeerConnection('publisher', { iceServers: [], bindAddress: LOOPBACK })
  const tracks = options.tracks.map((_, index) => addTrack(connection, index, options.saysStereo ?? false))
  const offer = await gatherOffer(connection)
  const response = await fetch(options.url, {
    method: 'POST',
    headers: { 'content-type': 'application/sdp', authorization: `Bearer ${options.token}` },
    body: offer,
  })
  const body = await response.text()
  const location = response.headers.get('location')
  if (response.status !== 201 || location === null) {
    connection.close()
    return { status: response.status, body }
  }
  await connect(connection, tracks, body)
  const bridges = await Promise.all(tracks.map((track, index) => openBridge(track, index)))
  const media = await Promise.all(
    options.tracks.map((track, index) => openMedia(track, index, pacer, bridges[index] as Socket)),
  )
  const atMs = pacer.nowMs()
  for (const each of media) each.start(atMs)
  const done = Promise.all(media.map((each) => each.done)).then(() => {})
  const close = () => {
    for (const each of media) each.stop()
    for (const bridge of bridges) bridge.close()
    connection.close()
  }
  return {
    location: new URL(location, options.url).href,
    done,
    reports: () => media.map((each) => each.report()),
    close,
    unpublish: async () => {
      for (const each of media) each.stop()
      await done
      await delay(ON_THE_WAY_MS)
      const { status } = await fetch(new URL(location, options.url), {
        method: 'DELETE',
        headers: { authorization: `Bearer ${options.token}` },
      })
      close()
      return status
    },
  }
}

const addTrack = (connection: PeerConnection, index: number, saysStereo: boolean): Track => {
  const audio = new Audio(`${MID_PREFIX}${index}`, 'SendOnly')
  const stereo = saysStereo ? ';stereo=1;sprop-stereo=1' : ''
  audio.addOpusCodec(callerCodecs(['opus'])[0]?.payloadType ?? 0, `minptime=10;useinbandfec=1${stereo}`)
  audio.addSSRC(SSRC_FIRST + index, `track-${index}`)
  return connection.addTrack(audio)
}

const gatherOffer = (connection: PeerConnection): Promise<string> =>
  new Promise((resolve) => {
    connection.onGatheringStateChange((state) => {
      if (state === 'complete') resolve(connection.localDescription()?.sdp ?? '')
    })
    connection.setLocalDescription('offer')
  })

const connect = async (connection: PeerConnection, tracks: readonly Track[], answer: string): Promise<void> => {
  const open = tracks.map((track) => new Promise<void>((resolve) => track.onOpen(() => resolve())))
  const deadline = Promise.withResolvers<never>()
  const timer = setTimeout(deadline.reject, CONNECT_DEADLINE_MS)
  try {
    connection.setRemoteDescription(answer, 'answer')
    await Promise.race([Promise.all(open), deadline.promise])
  } catch (cause) {
    connection.close()
    throw unreachable(cause)
  } finally {
    clearTimeout(timer)
  }
}

/** Takes what the generator sends over UDP, and hands it to the track under the source that the offer has named. */
const openBridge = async (track: Track, index: number): Promise<Socket> => {
  const socket = createSocket('udp4')
  socket.bind(0, LOOPBACK)
  await once(socket, 'listening')
  socket.on('message', (bytes: Buffer) => {
    const type = bytes[1] ?? 0
    bytes.writeUInt32BE(SSRC_FIRST + index, type >= RTCP_FIRST && type <= RTCP_LAST ? 4 : 8)
    if (track.isOpen()) track.sendMessageBinary(bytes)
  })
  return socket
}

const openMedia = async (options: MediaOptions, index: number, pacer: Pacer, bridge: Socket): Promise<CallMedia> => {
  const [codec] = callerCodecs(['opus'])
  if (!codec) throw new TypeError('no Opus')
  const { port } = bridge.address()
  return openCallMedia({ sendsReports: false, ...options }, codec, {
    pacer,
    sockets: await openMediaSockets(LOOPBACK, true),
    remote: { address: LOOPBACK, rtpPort: port, rtcpPort: port },
    cname: `track-${index}`,
  })
}

const unreachable = (cause?: unknown): PoulsenError =>
  new PoulsenError({
    code: 'CALL_UNREACHABLE',
    kind: 'unavailable',
    message: 'No WebRTC connection came about.',
    hint: 'Does POULSEN_WEBRTC_LISTEN name an address that can be reached from here?',
    cause,
  })
