import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { linesIn, metadataIn, partsOf } from '../../test/builders/recording-server.ts'
import { RecordingStage } from '../../test/builders/recording-stage.ts'
import { mulawAudioOf } from '../../test/fakes/media-sink.ts'
import { waitFor } from '../../test/support/wait-for.ts'
import { parseRtcp } from '../audio/rtp/rtcp.ts'
import { headerOf, type SipRequest } from '../protocol/sip/message.ts'
import { compareSession, complaintsOfSession, skewOf } from './compare-session.ts'
import type { SessionQuirks } from './siprec-options.ts'
import type { CompletedSession } from './siprec-outcome.ts'

let stage: RecordingStage
beforeEach(async () => {
  stage = await RecordingStage.open()
})
afterEach(() => stage.close())

const inviteOf = (): SipRequest => stage.requests('INVITE')[0] as SipRequest

/** What the sinks heard, each channel where its first packet came on the clock of all. */
const recorded = async ({ streams }: CompletedSession): Promise<readonly Float32Array[]> => {
  const heard = stage.sinks.slice(0, streams.length)
  await waitFor(
    async () => heard.every(({ packets }, position) => packets.length === streams[position]?.sent.packets) || undefined,
  )
  const zeroMs = Math.min(...heard.map(({ packets }) => packets[0]?.atMs ?? Number.POSITIVE_INFINITY))
  const ends = heard.map(({ packets }, each) => {
    const fromMs = (packets[0]?.atMs ?? zeroMs) - zeroMs
    return { fromMs, lengthMs: streams[each]?.sent.truth.durationMs ?? 0 }
  })
  const wholeMs = Math.max(...ends.map(({ fromMs, lengthMs }) => fromMs + lengthMs))
  return heard.map(({ packets }, each) => {
    const channel = new Float32Array(Math.round(wholeMs * 8))
    const { fromMs, lengthMs } = ends[each] as { fromMs: number; lengthMs: number }
    if (packets.length > 0) channel.set(mulawAudioOf(packets, lengthMs), Math.floor(fromMs * 8))
    return channel
  })
}

describe('a recording session', () => {
  it('is one INVITE to the letter: two streams, their metadata, and what its server needs to know', async () => {
    const { callId, communications, end } = await stage.complete({ durationMs: 60, sipSessionId: 'a;remote=b' })
    const invite = inviteOf()
    expect(stage.uas.received.map(({ method }) => method)).toEqual(['INVITE', 'ACK', 'BYE'])
    expect(headerOf(invite, 'Call-ID')).toBe(callId)
    expect(headerOf(invite, 'Require')).toBe('siprec')
    expect(headerOf(invite, 'Contact')).toMatch(/^<sip:caller@127\.0\.0\.1:\d+>;\+sip\.src$/)
    expect(headerOf(invite, 'Accept')).toContain('application/rs-metadata-request')
    expect(partsOf(invite).map(({ type, disposition }) => [type, disposition])).toEqual([
      ['application/sdp', undefined],
      ['application/rs-metadata+xml', 'recording-session'],
    ])
    expect(linesIn(invite)).toMatchObject([
      { label: '1', direction: 'sendonly', protocol: 'RTP/AVP', payloadTypes: [0, 101] },
      { label: '2', direction: 'sendonly', protocol: 'RTP/AVP', payloadTypes: [0, 101] },
    ])
    const [communication] = communications
    expect(metadataIn(invite)).toContain(`<session session_id="${communication?.id}">`)
    expect(communication?.uuid).toMatch(/^[0-9a-f-]{36}$/)
    expect(end).toEqual({ by: 'us' })
  })

  it('says what it planned on every line, each in a voice of its own, on one clock', async () => {
    const impairments = { lossRatio: 0.05, reorderRatio: 0.1, reorderMs: 40, ssrcChangesAtMs: [] }
    const outcome = await stage.complete({
      durationMs: 4000,
      speed: 2,
      seed: 5,
      streams: [{ impairments }, { startsAtMs: 400, endsAtMs: 3000 }, {}],
    })
    const channels = await recorded(outcome)
    const comparisons = compareSession(channels, 8000, outcome.streams)
    expect(complaintsOfSession(comparisons)).toEqual([])
    expect(skewOf(comparisons)).toBeLessThan(10)
    expect(comparisons.map(({ legsHeard }) => legsHeard)).toEqual([[0], [1], [2]])
    const [first, second] = outcome.streams
    // 400 ms of the session are 200 of ours.
    expect((second?.beginsAtUnixMs ?? 0) - (first?.beginsAtUnixMs ?? 0)).toBeCloseTo(200, 5)
    expect(second?.sent.truth.durationMs).toBe(2600)
    expect(outcome.streams.map(({ codec }) => codec?.codec)).toEqual(['PCMU', 'PCMU', 'PCMU'])
    expect(outcome.streams.map(({ remote }) => remote.rtpPort)).toEqual(stage.sinks.slice(0, 3).map(({ port }) => port))
  })

  it('names each source apart, and its clock as it is', async () => {
    await stage.complete({ durationMs: 1200, streams: [{ reportClockOffsetMs: 5000 }, {}, { sendsReports: false }] })
    const [first, second, third] = await waitFor(async () => {
      const all = stage.sinks.map(({ reports }) => reports.map((bytes) => parseRtcp(bytes)))
      return (all[0]?.length ?? 0) > 1 && (all[1]?.length ?? 0) > 1 ? all : undefined
    })
    expect(third).toEqual([])
    const reportOf = (all: typeof first) => {
      const [report] = all ?? []
      if (report === undefined || typeof report === 'string') throw new Error(report)
      return report
    }
    // 32 bits from the middle of the NTP time: 65 536 a second.
    const clocks = [first, second].map((all) => (reportOf(all).senderReports[0]?.ntpMiddle ?? 0) / 65_536)
    expect((clocks[0] ?? 0) - (clocks[1] ?? 0)).toBeCloseTo(5, 1)
    const names = [first, second].flatMap((all) => [...reportOf(all).cnames.values()])
    expect(new Set(names).size).toBe(2)
  })

  it('mixed, has its contributors in every packet', async () => {
    const participants = [0, 1].map((each) => ({ aor: `sip:${each}@example.com`, streams: [0] }))
    await stage.complete({ durationMs: 100, streams: [{ contributors: [7, 0xffff_ffff] }], participants })
    const [packet] = await waitFor(() => (stage.sinks[0]?.packets.length === 5 ? stage.sinks[0].packets : undefined))
    expect((packet?.bytes[0] ?? 0) & 15).toBe(2)
    expect(Buffer.from(packet?.bytes ?? []).readUInt32BE(16)).toBe(0xffff_ffff)
    expect(packet?.payload).toHaveLength(160)
  })

  it('is hung up by the server as well', async () => {
    const session = await stage.begin({ durationMs: 60_000 })
    const invite = inviteOf()
    const [from, to] = [headerOf(invite, 'From') ?? '', headerOf(invite, 'To') ?? '']
    const bye: SipRequest = {
      ...invite,
      method: 'BYE',
      body: new Uint8Array(),
      headers: [
        ['Via', 'SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKbye'],
        ['From', `${to};tag=scripted`],
        ['To', from],
        ['Call-ID', session.callId],
        ['CSeq', '1 BYE'],
      ],
    }
    stage.uas.send(bye)
    expect(await session.outcome).toMatchObject({ kind: 'completed', end: { by: 'them' } })
  })
})

describe('a client with quirks', () => {
  const begun = async (quirks: SessionQuirks, more = {}): Promise<SipRequest> => {
    await stage.complete({ durationMs: 40, quirks, ...more })
    return inviteOf()
  }

  it('sends no metadata', async () => {
    const invite = await begun({ withoutMetadata: true })
    expect(headerOf(invite, 'Content-Type')).toBe('application/sdp')
    expect(linesIn(invite)).toHaveLength(2)
  })

  it('labels nothing in its session description', async () => {
    const invite = await begun({ withoutLabels: true })
    expect(linesIn(invite).map(({ label }) => label)).toEqual([undefined, undefined])
    expect(metadataIn(invite)).toContain('<label>2</label>')
  })

  it('begins with metadata of the old type, in bare lines', async () => {
    const invite = await begun({ metadataFirst: true, legacyMediaType: true, bareLineFeeds: true })
    expect(partsOf(invite).map(({ type }) => type)).toEqual(['application/rs-metadata', 'application/sdp'])
    expect(Buffer.from(invite.body).toString()).not.toContain('\r')
  })

  it('requires nothing, names no feature, and offers media both ways', async () => {
    const invite = await begun({ withoutRequire: true, withoutFeatureTag: true, offersSendrecv: true })
    expect(headerOf(invite, 'Require')).toBeUndefined()
    expect(headerOf(invite, 'Contact')).not.toContain('+sip.src')
    expect(linesIn(invite).map(({ direction }) => direction)).toEqual(['sendrecv', 'sendrecv'])
  })

  it('names its communication session as it likes', async () => {
    const invite = await begun({}, { communicationSessionId: 'call <7> of today' })
    expect(metadataIn(invite)).toContain('session_id="call &lt;7&gt; of today"')
  })
})

describe('what makes no sense', () => {
  it.each([
    ['a duration', { durationMs: 0 }],
    ['no stream', { streams: [] }],
    ['nine streams', { streams: Array(9).fill({}) }],
    ['a stream more than there may be', { streams: Array(8).fill({}), events: [joinAt(1)] }],
    ['a codec', { streams: [{ codecs: ['G729'] }] }],
    ['a label', { streams: [{ label: 'a b' }] }],
    ['an end before the beginning', { streams: [{ startsAtMs: 5, endsAtMs: 5 }] }],
    ['a contributor', { streams: [{ contributors: [-1] }] }],
    ['an event for a stream that is none', { events: [{ atMs: 1, kind: 'hold' as const, streams: [4] }] }],
    ['an event before its participant', { events: [{ atMs: 0, kind: 'leave' as const, participant: 2 }, joinAt(1)] }],
  ])('%s is refused before anything is sent', async (_what, options) => {
    await expect(stage.generator.startSession({ durationMs: 100, ...options })).rejects.toMatchObject({
      code: 'CALL_INVALID',
    })
    expect(stage.uas.received).toEqual([])
  })
})

function joinAt(atMs: number) {
  return { atMs, kind: 'join' as const, participant: { aor: 'sip:c@example.com' }, stream: {} }
}
