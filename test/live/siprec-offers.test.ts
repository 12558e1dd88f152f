import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CodecName } from '../../src/audio/codecs/codec.ts'
import type { SrtpKey } from '../../src/audio/srtp/srtp-key.ts'
import type { SdpMedia, SdpSession } from '../../src/protocol/sdp/offer.ts'
import { parseSdp } from '../../src/protocol/sdp/parse-sdp.ts'
import { headerOf } from '../../src/protocol/sip/message.ts'
import { type ExpectedOffer, type GoldenOffer, goldenOffers, transferMessage } from '../builders/siprec-offers.ts'
import { TestCertificate } from './support/certificate.ts'
import { bestShareOf, decodeChannels, shareOf } from './support/channels.ts'
import { GoldenCaller } from './support/golden-caller.ts'
import { LiveServer, type WireDetails } from './support/live-server.ts'
import { ToneStream } from './support/tone-stream.ts'

const INSTALL_MS = 600_000
const TONE_MS = 1_000
const LOUD = 0.8
const certificate = new TestCertificate()
const live = new LiveServer({
  POULSEN_SIP_LISTEN: 'udp:127.0.0.1:0,tcp:127.0.0.1:0,tls:127.0.0.1:0',
  POULSEN_TLS_CERT: certificate.certPath,
  POULSEN_TLS_KEY: certificate.keyPath,
})

beforeAll(async () => {
  certificate.make()
  await live.start()
}, INSTALL_MS)
afterAll(async () => {
  await live.dispose()
  certificate.dispose()
})

/** A tone of its own for each line. */
const toneOf = (line: number): number => 500 + 300 * line

const sdpOf = (body: Uint8Array | string): SdpSession => {
  const sdp = parseSdp(typeof body === 'string' ? body : new TextDecoder().decode(body))
  if ('reason' in sdp) throw new Error(sdp.reason)
  return sdp
}

/** The offer within a message of the corpus: whatever begins with v=0. */
const offeredBy = ({ bytes }: GoldenOffer): SdpSession =>
  sdpOf(/v=0\r?\n(?:[a-z]=.*\r?\n)+/.exec(bytes.toString('latin1'))?.[0] ?? '')

/** What the answer says of its accepted lines, as the expectations have it. */
const acceptedIn = ({ media }: SdpSession) =>
  media.flatMap((line, index) => (line.port === 0 ? [] : [describeLine(line, index)]))

const describeLine = ({ label, codecs, direction, crypto }: SdpMedia, line: number) => ({
  line,
  label: label ?? null,
  codec: codecs.find(({ name }) => !/^(?:telephone-event|CN)$/i.test(name))?.name,
  direction,
  ...(crypto[0] && { security: crypto[0].key.suite }),
})

const keyOf = (offered: SdpMedia | undefined, answered: SdpMedia): SrtpKey | undefined =>
  offered?.crypto.find(({ tag }) => tag === answered.crypto[0]?.tag)?.key

/** Sends a tone on every line that is recorded, all at once. */
const sendTones = async (offer: SdpSession, answer: SdpSession, tones: readonly ToneStream[]): Promise<void> => {
  await Promise.all(
    answer.media.map(async (line, index) => {
      if (line.port === 0 || line.direction !== 'recvonly') return
      const codec = line.codecs.find(({ name }) => !/^(?:telephone-event|CN)$/i.test(name))
      const key = keyOf(offer.media[index], line)
      await tones[index]?.send({
        port: line.port,
        codec: codec?.name as CodecName,
        payloadType: codec?.payloadType ?? 0,
        frequencyHz: toneOf(index),
        durationMs: TONE_MS,
        ...(key && { key }),
      })
    }),
  )
}

/** Each line is heard in its channel, and in no other. */
const expectHeard = async (recording: WireDetails, { streams, left, right }: ExpectedOffer): Promise<void> => {
  const { channels, sampleRateHz } = await decodeChannels(await live.bytes(recording.url.replace('.ogg?', '.wav?')))
  const active = new Set(streams.filter(({ direction }) => direction === 'recvonly').map(({ line }) => line))
  for (const [index, lines] of [left, right].entries()) {
    const samples = channels[index] ?? new Float32Array(1)
    const own = lines.filter((line) => active.has(line)).map(toneOf)
    const others = [...active].map(toneOf).filter((tone) => !own.includes(tone))
    if (own.length > 0) expect(shareOf(samples, own, sampleRateHz), `channel ${index}`).toBeGreaterThan(LOUD)
    for (const tone of own) expect(shareOf(samples, [tone], sampleRateHz)).toBeGreaterThan(LOUD / own.length / 2)
    expect(shareOf(samples, others, sampleRateHz), `channel ${index}`).toBeLessThan(0.02)
  }
}

/** Recordings of one call, whatever their leg id. */
const recordingsOf = async (callId: string | undefined): Promise<readonly WireDetails[]> => {
  const details = await Promise.all((await live.list()).map(({ id }) => live.details(id)))
  return details.filter(({ call }) => call?.call_id === callId)
}

describe('offers as they are met, over real sockets', () => {
  it.concurrent.each(goldenOffers.map((offer) => [offer.name, offer] as const))(
    '%s is answered and recorded',
    { timeout: 60_000 },
    async (_, golden) => {
      const { bytes, expected } = golden
      const offer = offeredBy(golden)
      const tones = await Promise.all(offer.media.map((__, index) => ToneStream.open(1000 + index)))
      const port = live.sipPort(expected.transport.toLowerCase() as 'udp' | 'tcp' | 'tls')
      const caller = await GoldenCaller.open(expected.transport, port)
      const answered = await caller.send(
        bytes,
        tones.map((tone) => tone.port),
      )
      expect([answered.status, headerOf(answered, 'Content-Type')]).toEqual([200, 'application/sdp'])
      expect(headerOf(answered, 'Contact')).toMatch(/>;\+sip\.srs$/)
      caller.ack()
      const answer = sdpOf(answered.body)
      expect(answer.media.length).toBe(offer.media.length)
      expect(acceptedIn(answer)).toEqual(expected.streams)
      await sendTones(offer, answer, tones)
      expect(await caller.bye()).toBe(200)
      for (const each of [caller, ...tones]) each.close()
      if (expected.leg_id === null) {
        // A persistent session that never became a call leaves nothing behind (RFC 7866 §10).
        expect(await recordingsOf(/^Call-ID: (\S+)/m.exec(bytes.toString('latin1'))?.[1])).toEqual([])
      } else {
        const recording = await live.finalOf(expected.leg_id)
        expect(recording).toMatchObject({ status: 'completed', track: 'both', call: { end_reason: 'hangup' } })
        expect(recording.quality?.streams.map(({ packets }) => packets)).toEqual(
          expected.streams.map(({ direction }) => (direction === 'recvonly' ? TONE_MS / 20 : 0)),
        )
        await expectHeard(recording, expected)
      }
    },
  )
})

describe('a session that is held and transferred, over real sockets', () => {
  it('the third participant is heard where the second was', { timeout: 60_000 }, async () => {
    const tones = await Promise.all([ToneStream.open(2001), ToneStream.open(2002)])
    const ports = tones.map(({ port }) => port)
    const caller = await GoldenCaller.open('TCP', live.sipPort('tcp'))
    const [first, second] = tones as [ToneStream, ToneStream]
    const portsIn = (body: Uint8Array) => sdpOf(body).media.map(({ port }) => port)
    const send = (stream: ToneStream, port: number | undefined, frequencyHz: number) =>
      stream.send({ port: port ?? 0, codec: 'PCMU', payloadType: 0, frequencyHz, durationMs: 400 })

    const begun = await caller.send(transferMessage('1-begin'), ports)
    caller.ack()
    const [left, right] = portsIn(begun.body)
    await Promise.all([send(first, left, 500), send(second, right, 800)])

    const held = await caller.send(transferMessage('2-hold', caller.toTag), ports)
    caller.ack()
    expect(sdpOf(held.body).media.map(({ direction }) => direction)).toEqual(['inactive', 'recvonly'])
    await send(second, right, 800)

    const moved = await caller.send(transferMessage('3-transfer', caller.toTag), ports)
    caller.ack()
    expect([moved.status, portsIn(moved.body)]).toEqual([200, [left, right]])
    await Promise.all([send(first, left, 500), send(second, right, 1100)])

    const renamed = await caller.send(transferMessage('4-renamed', caller.toTag), ports)
    expect([renamed.status, renamed.body.length]).toEqual([200, 0])
    expect(await caller.bye()).toBe(200)
    for (const each of [caller, ...tones]) each.close()

    const [found] = await recordingsOf('transfer.1@192.0.2.10')
    const recording = await live.finalOf(found?.relay_sip_leg_id ?? '')
    const { channels, sampleRateHz } = await decodeChannels(await live.bytes(recording.url))
    const [leftSamples = new Float32Array(1), rightSamples = new Float32Array(1)] = channels
    const heard = (samples: Float32Array, tone: number) => bestShareOf(samples, tone, sampleRateHz) > LOUD
    expect([500, 800, 1100].filter((tone) => heard(leftSamples, tone))).toEqual([500])
    expect([500, 800, 1100].filter((tone) => heard(rightSamples, tone))).toEqual([800, 1100])
    expect(shareOf(leftSamples, [800, 1100], sampleRateHz)).toBeLessThan(0.02)
    expect(shareOf(rightSamples, [500], sampleRateHz)).toBeLessThan(0.02)
  })
})
