import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { parseSdp } from '../../src/protocol/sdp/parse-sdp.ts'
import { aMetadata, BOUNDARY, multipart } from '../builders/siprec-text.ts'
import { waitFor } from '../support/wait-for.ts'
import { bestShareOf, decodeChannels } from './support/channels.ts'
import { GoldenCaller } from './support/golden-caller.ts'
import { LiveServer } from './support/live-server.ts'
import { type EngineReply, RtpEngine } from './support/rtpengine.ts'
import { ToneStream } from './support/tone-stream.ts'

const INSTALL_MS = 600_000
const TONE_MS = 1000
const PACKET_MS = 20
const ENGINE_PORT = 24_900
const live = new LiveServer()
let engine: RtpEngine

beforeAll(async () => {
  engine = await RtpEngine.start(ENGINE_PORT)
  await live.start()
}, INSTALL_MS)
afterAll(async () => {
  await live.dispose()
  await engine.stop()
})

/** What a phone says of itself. */
const phoneSdp = (port: number): string =>
  [
    'v=0',
    'o=- 1 1 IN IP4 127.0.0.1',
    's=-',
    'c=IN IP4 127.0.0.1',
    't=0 0',
    `m=audio ${port} RTP/AVP 0`,
    'a=sendrecv',
    '',
  ].join('\r\n')

const portsIn = (sdp: string | undefined): readonly number[] => {
  const session = parseSdp(sdp ?? '')
  if ('reason' in session) throw new Error(session.reason)
  return session.media.map(({ port }) => port)
}

/** The INVITE that a proxy writes around rtpengine's offer. */
const inviteOf = (callId: string, session: string, { sdp = '', 'tag-medias': tags = [] }: EngineReply): Buffer => {
  const labelsOf = (tag: string) => tags.find((each) => each.tag === tag)?.medias.map(({ label }) => label) ?? []
  const participants = ['caller', 'callee'].map((name) => ({ name, labels: labelsOf(name) }))
  const body = multipart([
    ['application/sdp', sdp],
    ['application/rs-metadata+xml', aMetadata({ session, participants })],
  ])
  const head = [
    'INVITE sip:srs@127.0.0.1 SIP/2.0',
    'Via: SIP/2.0/TCP 127.0.0.1:5080;branch=z9hG4bKengine',
    'Max-Forwards: 70',
    'From: <sip:proxy@example.com>;tag=engine',
    'To: <sip:srs@example.com>',
    `Call-ID: ${callId}`,
    'CSeq: 1 INVITE',
    'Contact: <sip:proxy@127.0.0.1:5080;transport=tcp>;+sip.src',
    'Require: siprec',
    `Content-Type: multipart/mixed;boundary=${BOUNDARY}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
  ]
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`)
}

/** Packets that have come to media ports so far, by the server's own metrics. */
const packetsAt = async ({ server }: LiveServer): Promise<number> => {
  const metrics = await (await fetch(new URL('/metrics', server.url))).text()
  const workers = metrics.matchAll(/^poulsen_capture_packets_total\{[^}]*\} (\d+)/gm)
  return [...workers].reduce((sum, [, packets]) => sum + Number(packets), 0)
}

/** Only the keys of one suite: rtpengine offers many, and we take the first that we know. */
const withSuite = (sdp: string, suite: string): string =>
  sdp.replace(/^a=crypto:\d+ (\S+) .*\r\n/gm, (line, name: string) => (name === suite ? line : ''))

it.each([
  'RTP/AVP',
  'AEAD_AES_256_GCM',
  'AEAD_AES_128_GCM',
  'AES_CM_128_HMAC_SHA1_80',
  'AES_CM_128_HMAC_SHA1_32',
])('what rtpengine forks of a call is recorded: caller left, callee right (%s)', { timeout: 60_000 }, async (suite) => {
  const isSecure = suite !== 'RTP/AVP'
  const call = { 'call-id': randomUUID(), 'from-tag': 'caller' }
  const [caller, callee] = await Promise.all([ToneStream.open(3001), ToneStream.open(3002)])
  const offered = await engine.ask({ command: 'offer', ...call, ICE: 'remove', sdp: phoneSdp(caller.port) })
  const answer = { command: 'answer', ...call, 'to-tag': 'callee', ICE: 'remove', sdp: phoneSdp(callee.port) }
  const answered = await engine.ask(answer)

  const fork = { 'call-id': call['call-id'], flags: ['all', 'siprec'] }
  const protocol = isSecure ? { 'transport-protocol': 'RTP/SAVP', DTLS: 'off' } : {}
  const subscribed = await engine.ask({ command: 'subscribe request', ...fork, ...protocol, ICE: 'remove' })
  const sdp = isSecure ? withSuite(subscribed.sdp ?? '', suite) : (subscribed.sdp ?? '')
  const session = randomUUID()
  const proxy = await GoldenCaller.open('TCP', live.sipPort('tcp'))
  const taken = await proxy.send(inviteOf(call['call-id'], session, { ...subscribed, sdp }), portsIn(sdp))
  proxy.ack()
  expect(taken.status).toBe(200)
  const subscription = { 'call-id': call['call-id'], 'to-tag': subscribed['to-tag'] }
  await engine.ask({ command: 'subscribe answer', ...subscription, sdp: new TextDecoder().decode(taken.body) })

  const before = await packetsAt(live)
  const tone = { codec: 'PCMU', payloadType: 0, durationMs: TONE_MS } as const
  await Promise.all([
    caller.send({ ...tone, port: portsIn(answered.sdp)[0] ?? 0, frequencyHz: 500 }),
    callee.send({ ...tone, port: portsIn(offered.sdp)[0] ?? 0, frequencyHz: 800 }),
  ])
  // The engine has its own time: what it forks last may still be on its way.
  await waitFor(async () => (await packetsAt(live)) - before >= (2 * TONE_MS) / PACKET_MS || undefined)
  expect(await proxy.bye()).toBe(200)
  await engine.ask({ command: 'unsubscribe', ...subscription })
  await engine.ask({ command: 'delete', ...call })
  for (const each of [caller, callee, proxy]) each.close()

  const recording = await live.finalOf(session)
  expect(recording).toMatchObject({ status: 'completed', stereo: true, call: { end_reason: 'hangup' } })
  expect(recording.quality?.streams.map(({ packets, lost }) => ({ packets, lost }))).toEqual(
    Array(2).fill({ packets: TONE_MS / PACKET_MS, lost: 0 }),
  )
  if (isSecure) expect(recording.quality?.streams.map(({ unauthentic }) => unauthentic)).toEqual([0, 0])
  const { channels, sampleRateHz } = await decodeChannels(await live.bytes(recording.url))
  const heard = channels.map((samples) => [500, 800].map((each) => bestShareOf(samples, each, sampleRateHz) > 0.8))
  expect(heard).toEqual([
    [true, false],
    [false, true],
  ])
})
