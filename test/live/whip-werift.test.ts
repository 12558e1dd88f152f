import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { MediaStreamTrack, RTCPeerConnection, RTCRtpCodecParameters } from 'werift'
import { openCallMedia } from '../../src/caller/call-media.ts'
import { callerCodecs } from '../../src/caller/caller-codecs.ts'
import { openMediaSockets } from '../../src/caller/media-sockets.ts'
import { Pacer } from '../../src/caller/pacer.ts'
import { planTones } from '../../src/caller/tones.ts'
import { decodeChannels } from './support/channels.ts'
import { hearPart } from './support/tones-heard.ts'
import { WhipServer } from './support/whip-server.ts'

const TRACK = { durationMs: 5_000, leg: 1, seed: 8 }
const ONSET_MAX_MS = 40
const LOOPBACK = '127.0.0.1'

const live = new WhipServer()
beforeAll(() => live.start())
afterAll(() => live.dispose())

/** What the call generator sends comes out at a port, and goes into the track from there. */
const feed = async (track: MediaStreamTrack) => {
  const [codec] = callerCodecs(['opus'])
  if (!codec) throw new Error('no Opus')
  const socket = createSocket('udp4')
  socket.bind(0, LOOPBACK)
  await once(socket, 'listening')
  socket.on('message', (bytes) => track.writeRtp(bytes))
  const { port } = socket.address()
  const media = await openCallMedia({ ...TRACK, sendsReports: false }, codec, {
    pacer: new Pacer(),
    sockets: await openMediaSockets(LOOPBACK, true),
    remote: { address: LOOPBACK, rtpPort: port, rtcpPort: port },
    cname: 'werift',
  })
  return { media, close: () => socket.close() }
}

it('a client of another make publishes, with an ICE, a DTLS and an SRTP of its own', async () => {
  const opus = new RTCRtpCodecParameters({ mimeType: 'audio/opus', clockRate: 48_000, channels: 2, payloadType: 111 })
  const peer = new RTCPeerConnection({ codecs: { audio: [opus] }, iceAdditionalHostAddresses: [LOOPBACK] })
  const track = new MediaStreamTrack({ kind: 'audio' })
  peer.addTransceiver(track, { direction: 'sendonly' })
  await peer.setLocalDescription(await peer.createOffer())
  const headers = { authorization: `Bearer ${live.credentials.token}` }
  const response = await fetch(live.endpoint('werift'), {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/sdp' },
    body: peer.localDescription?.sdp ?? '',
  })
  expect(response.status).toBe(201)
  const connected = peer.connectionStateChange.watch((state) => state === 'connected', 15_000)
  await peer.setRemoteDescription({ type: 'answer', sdp: await response.text() })
  await connected
  const { media, close } = await feed(track)
  media.start()
  await media.done
  const ended = await fetch(response.headers.get('location') ?? '', { method: 'DELETE', headers })
  expect(ended.status).toBe(200)
  close()
  await peer.close()
  const recording = await live.onlyFinal(1_000)
  expect(recording).toMatchObject({ status: 'completed', call: { to: 'werift', end_reason: 'hangup' } })
  expect(recording.quality?.streams).toMatchObject([{ lost: 0, late: 0, strangers: 0, invalid: 0, gap_count: 0 }])
  const { channels, sampleRateHz } = await decodeChannels(await live.bytes(recording.url))
  const heard = hearPart(planTones(TRACK), channels[0] ?? new Float32Array(0), sampleRateHz)
  expect(heard?.comparison.onsets.length).toBeGreaterThan(3)
  expect(heard?.comparison.worstOnsetErrorMs).toBeLessThan(ONSET_MAX_MS)
}, 60_000)
