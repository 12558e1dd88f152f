import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { answerSdp } from '../../test/builders/sip-caller.ts'
import { MediaSink, mulawAudioOf } from '../../test/fakes/media-sink.ts'
import { type Script, ScriptedUas } from '../../test/fakes/scripted-uas.ts'
import { waitFor } from '../../test/support/wait-for.ts'
import { parseRtcp } from '../audio/rtp/rtcp.ts'
import { makeSrtpKey } from '../audio/srtp/srtp-key.ts'
import type { SipRequest } from '../protocol/sip/message.ts'
import { analyse } from './analyse.ts'
import { complaintsOf } from './compare.ts'
import { loopedFrames } from './frame-source.ts'
import { CallGenerator, placeCall, placeCalls, type RunningCall } from './place-call.ts'
import { readCrypto } from './sdes.ts'
import { readSession } from './session-text.ts'
import { makeRequest } from './sip-text.ts'

let sink: MediaSink
let uas: ScriptedUas
let script: Script

const accepting: Script = (request, each) => {
  const session = { rtpPort: sink.port, rtcpPort: sink.port }
  if (request.method === 'INVITE') return [each.accept(request, answerSdp('PCMU', session))]
  return request.method === 'ACK' ? [] : [each.respond(request, 200)]
}

beforeEach(async () => {
  script = accepting
  sink = await MediaSink.open()
  uas = await ScriptedUas.open((request, each) => script(request, each))
})

afterEach(() => {
  sink.close()
  uas.close()
})

describe('a call', () => {
  it('says what it planned, tells the truth about it, and reports itself', async () => {
    const impairments = { lossRatio: 0.1, reorderRatio: 0.1, reorderMs: 60, duplicateRatio: 0.1 }
    const outcome = await placeCall({ target: uas.target, durationMs: 8000, speed: 8, seed: 4, impairments })
    if (outcome.kind !== 'completed') throw new Error(JSON.stringify(outcome))
    const { sent, plan, expectation, end, callId } = outcome
    await waitFor(async () => sink.packets.length === sent.packets || undefined)
    expect(new Set(sink.packets.map(({ ssrc }) => ssrc))).toEqual(new Set(sent.truth.ssrcs))
    const comparison = analyse(mulawAudioOf(sink.packets, sent.truth.durationMs), 8000, plan, expectation)
    expect(complaintsOf(comparison, { onsetMs: 2, durationMs: 0.1, gapMs: 4 })).toEqual([])
    expect(sent.truth.lost).toBeGreaterThan(10)
    expect(end).toEqual({ by: 'us' })
    expect(uas.received.map(({ method }) => method)).toEqual(['INVITE', 'ACK', 'BYE'])
    const news = sink.reports
      .map((bytes) => parseRtcp(bytes))
      .map((each) => (typeof each === 'string' ? undefined : each))
    const [ssrc = 0] = sent.truth.ssrcs
    for (const each of news) {
      expect(each?.senderReports).toMatchObject([{ ssrc }])
      expect([...(each?.cnames ?? [])]).toEqual([[ssrc, `${callId}@127.0.0.1`]])
    }
    expect(news.map((each) => each?.byes.length)).toEqual([...Array(news.length - 1).fill(0), 1])
    expect(sent.rtcpSent).toBe(sink.reports.length)
  })

  it('announces its holds and is silent in them', async () => {
    const holds = [{ fromMs: 400, toMs: 900, timestamps: 'go-on' as const }]
    const outcome = await placeCall({ target: uas.target, durationMs: 1200, impairments: { holds } })
    if (outcome.kind !== 'completed') throw new Error(JSON.stringify(outcome))
    expect(outcome.expectation).toEqual({ gaps: [{ startMs: 400, durationMs: 500 }], durationMs: 1200 })
    const directions = uas.received
      .filter(({ method }) => method === 'INVITE')
      .map(({ body }) => readSession(Buffer.from(body).toString()))
    expect(directions).toMatchObject([{ direction: 'sendrecv' }, { direction: 'inactive' }, { direction: 'sendrecv' }])
    expect(sink.packets).toHaveLength(35)
  })

  it('presses keys, when the other side takes them', async () => {
    const presses = [{ key: '9', atMs: 100, durationMs: 80 }]
    const outcome = await placeCall({ target: uas.target, durationMs: 400, presses })
    await waitFor(async () => sink.packets.length === 22 || undefined)
    expect(sink.packets.filter(({ payload }) => payload.length === 4).map(({ payload }) => payload[0])).toEqual(
      Array(6).fill(9),
    )
    expect(outcome).toMatchObject({
      sent: { truth: { events: 6 } },
      expectation: { gaps: [{ startMs: 100, durationMs: 80 }] },
    })
  })

  it('under SRTP is sealed with our key, and so are its reports', async () => {
    const theirs = makeSrtpKey('AES_CM_128_HMAC_SHA1_80')
    script = (request, each) => {
      if (request.method !== 'INVITE') return accepting(request, each)
      const offer = readSession(Buffer.from(request.body).toString())
      const crypto = 'reason' in offer ? offer : readCrypto(offer.cryptos[0] ?? '')
      if ('reason' in crypto) throw new Error(crypto.reason)
      sink.useKey(crypto.key)
      return [each.accept(request, answerSdp('PCMU', { rtpPort: sink.port, rtcpPort: sink.port, srtpKey: theirs }))]
    }
    const outcome = await placeCall({ target: uas.target, durationMs: 1000, speed: 4, srtp: 'AES_CM_128_HMAC_SHA1_80' })
    if (outcome.kind !== 'completed') throw new Error(JSON.stringify(outcome))
    await waitFor(async () => sink.packets.length === 50 || undefined)
    const audio = mulawAudioOf(sink.packets, 1000)
    expect(complaintsOf(analyse(audio, 8000, outcome.plan, outcome.expectation))).toEqual([])
    expect(sink.refused).toEqual([])
    expect(sink.reports).toHaveLength(outcome.sent.rtcpSent)
  })

  it('that nobody takes is an outcome', async () => {
    script = (request, each) => (request.method === 'INVITE' ? [each.respond(request, 403)] : [])
    const callId = 'c0ffee00-0000-4000-8000-000000000001'
    expect(await placeCall({ target: uas.target, durationMs: 100, callId })).toMatchObject({
      kind: 'failed',
      callId,
      invite: { kind: 'refused', status: 403 },
    })
    expect(sink.packets).toHaveLength(0)
  })

  it('ends before its time when it is told to, and when the other side hangs up', async () => {
    const generator = await CallGenerator.open({ target: uas.target })
    const start = async (): Promise<RunningCall> => {
      const call = await generator.start({ durationMs: 60_000 })
      if (call.kind === 'failed') throw new Error(JSON.stringify(call))
      return call
    }
    const call = await start()
    await waitFor(async () => sink.packets.length >= 5 || undefined)
    call.hangUp()
    const { sent, end, byeAnsweredAfterMs } = await call.outcome
    expect([end.by, byeAnsweredAfterMs !== undefined]).toEqual(['us', true])
    expect(sent.truth.durationMs).toBe(sent.packets * 20)
    const other = await start()
    const invite = uas.received.findLast(({ method }) => method === 'INVITE') as SipRequest
    uas.send(byeFor(invite, uas.port))
    expect(await other.outcome).toMatchObject({ end: { by: 'them' } })
    generator.close()
  })

  it('sends payloads that were made for many calls', async () => {
    const frames = loopedFrames({ frame: (index) => Uint8Array.of(index, 7), free: () => {} }, 2)
    await placeCall({ target: uas.target, durationMs: 80, frames })
    await waitFor(async () => sink.packets.length === 4 || undefined)
    expect(sink.packets.map(({ payload }) => [...payload])).toEqual([
      [0, 7],
      [1, 7],
      [0, 7],
      [1, 7],
    ])
  })
})

const byeFor = (invite: SipRequest, port: number): SipRequest => {
  const value = (name: string) => invite.headers.find(([each]) => each === name)?.[1] ?? ''
  return makeRequest({
    method: 'BYE',
    uri: 'sip:caller@127.0.0.1',
    via: `SIP/2.0/UDP 127.0.0.1:${port};branch=z9hG4bKbye`,
    from: `${value('To')};tag=scripted`,
    to: value('From'),
    callId: value('Call-ID'),
    cseq: 1,
  })
}

describe('many calls', () => {
  it('run at once, each with its own voice', async () => {
    const outcomes = await placeCalls({ target: uas.target, count: 20, callsPerSecond: 200, durationMs: 500 })
    const sent = outcomes.map((outcome) => (outcome.kind === 'completed' ? outcome.sent.packets : 0))
    expect(sent).toEqual(Array.from({ length: 20 }, () => 25))
    await waitFor(async () => sink.packets.length === 500 || undefined)
    expect(new Set(sink.packets.map(({ ssrc }) => ssrc)).size).toBe(20)
    const plans = outcomes.map((outcome) => (outcome.kind === 'completed' ? JSON.stringify(outcome.plan.bursts) : ''))
    expect(new Set(plans).size).toBe(20)
  })
})

describe('what makes no sense', () => {
  it.each([
    ['a duration', { durationMs: 0 }],
    ['a duration over a day', { durationMs: 86_400_001 }],
    ['a speed', { durationMs: 1, speed: 0 }],
    ['a packet length', { durationMs: 1, frameMs: 30 }],
    ['a leg', { durationMs: 1, leg: 4 }],
    ['a codec', { durationMs: 1, codecs: ['G729'] }],
    ['no codec', { durationMs: 1, codecs: [] }],
    ['a loss', { durationMs: 1, impairments: { lossRatio: 1 } }],
    ['a target', { durationMs: 1, target: 'sip:224.0.0.1' }],
  ])('%s is refused before anything is sent', async (_what, options) => {
    await expect(placeCall({ target: uas.target, ...options })).rejects.toMatchObject({
      code: 'CALL_INVALID',
      kind: 'invalid',
    })
    expect(uas.received).toEqual([])
  })

  it('so are too many calls, and too many in a second', async () => {
    for (const wrong of [{ count: 0 }, { count: 10_001 }, { count: 1, callsPerSecond: 1001 }]) {
      await expect(placeCalls({ target: uas.target, durationMs: 1, ...wrong })).rejects.toMatchObject({
        code: 'CALL_INVALID',
      })
    }
  })
})
