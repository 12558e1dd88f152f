import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  linesIn,
  metadataIn,
  partsOf,
  recordingAnswer,
  recordingHeaders,
  recordingServer,
  serverRequest,
  snapshotRequest,
} from '../../test/builders/recording-server.ts'
import { completed, RecordingStage } from '../../test/builders/recording-stage.ts'
import { waitFor } from '../../test/support/wait-for.ts'
import { formatReceiverReport } from '../audio/rtp/rtcp.ts'
import { makeSrtpKey } from '../audio/srtp/srtp-key.ts'
import { SrtpSender } from '../audio/srtp/srtp-sender.ts'
import type { SipRequest } from '../protocol/sip/message.ts'
import { readDescription } from './read-description.ts'
import { formatCrypto, readCrypto } from './sdes.ts'
import type { SessionEvent } from './siprec-events.ts'

let stage: RecordingStage
beforeEach(async () => {
  stage = await RecordingStage.open()
})
afterEach(() => stage.close())

const directionsOf = (request: SipRequest | undefined): readonly string[] =>
  request ? linesIn(request).map(({ rtpPort, direction }) => (rtpPort === 0 ? 'gone' : direction)) : []

const lineOf = (position: number) => ({ port: stage.sinks[position]?.port ?? 9 })
const packetsOf = (position: number) => stage.sinks[position]?.packets ?? []
const sourcesOf = (position: number): number => new Set(packetsOf(position).map(({ ssrc }) => ssrc)).size
/** Waits until a line has had so many packets. */
const heard = (position: number, count: number) => waitFor(() => packetsOf(position).length >= count || undefined)

describe('what happens in a session at its times', () => {
  it('is a hold of one stream, and its end', async () => {
    const events: readonly SessionEvent[] = [
      { atMs: 300, kind: 'hold', streams: [1] },
      { atMs: 600, kind: 'resume', metadata: 'complete' },
    ]
    const { streams, exchanges } = await stage.complete({ durationMs: 900, events })
    const [, hold, resume] = stage.requests('INVITE')
    expect(directionsOf(hold)).toEqual(['sendonly', 'inactive'])
    expect(metadataIn(hold as SipRequest)).toMatch(/<datamode>partial<.*<participantstreamassoc/s)
    expect(metadataIn(hold as SipRequest)).not.toContain('<participant ')
    expect(directionsOf(resume)).toEqual(['sendonly', 'sendonly'])
    expect(metadataIn(resume as SipRequest)).toMatch(/<datamode>complete<.*<stream /s)
    const [first, second] = streams
    expect(first?.expectation.gaps).toEqual([])
    expect(second?.expectation.gaps).toMatchObject([{ startMs: expect.any(Number) }])
    const [gap] = second?.expectation.gaps ?? []
    expect(Math.abs((gap?.startMs ?? 0) - 310)).toBeLessThan(60)
    expect(Math.abs((gap?.durationMs ?? 0) - 300)).toBeLessThan(80)
    expect(exchanges.map(({ kind, outcome }) => [kind, outcome.kind])).toEqual([
      ['hold', 'agreed'],
      ['resume', 'agreed'],
    ])
  })

  it('is a stream that is inactive at first', async () => {
    const events: readonly SessionEvent[] = [{ atMs: 200, kind: 'resume', streams: [0] }]
    const outcome = await stage.complete({ durationMs: 400, streams: [{ isInactiveAtFirst: true }, {}], events })
    expect(directionsOf(stage.requests('INVITE')[0])).toEqual(['inactive', 'sendonly'])
    const [gap] = outcome.streams[0]?.expectation.gaps ?? []
    expect(gap?.startMs).toBe(0)
    expect(outcome.streams[1]?.expectation.gaps).toEqual([])
  })

  it('is metadata by itself, and in a re-INVITE', async () => {
    const events: readonly SessionEvent[] = [
      { atMs: 20, kind: 'metadata', renames: { participant: 0, name: 'Ada' } },
      { atMs: 40, kind: 'metadata', by: 'INVITE', renames: { participant: 1, name: 'Bo' } },
      { atMs: 60, kind: 'refresh' },
    ]
    await stage.complete({ durationMs: 100, events })
    const [update] = stage.requests('UPDATE') as [SipRequest]
    expect(partsOf(update)).toMatchObject([{ disposition: 'recording-session' }])
    expect(metadataIn(update)).toMatch(/partial.*Ada/s)
    const [, reinvite, refresh] = stage.requests('INVITE') as [SipRequest, SipRequest, SipRequest]
    expect(metadataIn(reinvite)).toMatch(/partial.*Bo/s)
    expect(metadataIn(reinvite)).not.toContain('Ada')
    expect(partsOf(refresh).map(({ type }) => type)).toEqual(['application/sdp'])
  })

  it('is a transfer on the same line, from another source', async () => {
    const events: readonly SessionEvent[] = [
      { atMs: 100, kind: 'transfer', leaves: 1, joins: { aor: 'sip:c@example.com' } },
    ]
    const { streams } = await stage.complete({ durationMs: 300, events })
    const [, reinvite] = stage.requests('INVITE')
    expect(directionsOf(reinvite)).toEqual(['sendonly', 'sendonly'])
    expect(metadataIn(reinvite as SipRequest)).toMatch(/sip:c@example\.com.*<disassociate-time>/s)
    await heard(1, streams[1]?.sent.packets ?? 0)
    expect([sourcesOf(0), sourcesOf(1)]).toEqual([1, 2])
    expect(streams[1]?.sent.truth.ssrcs).toHaveLength(2)
  })

  it('is a transfer to a new line, a third participant, and one that leaves', async () => {
    const c = { aor: 'sip:c@example.com' }
    const events: readonly SessionEvent[] = [
      { atMs: 100, kind: 'transfer', leaves: 1, joins: c, newStream: {} },
      { atMs: 200, kind: 'join', participant: { aor: 'sip:d@example.com' }, stream: { leg: 3 } },
      { atMs: 300, kind: 'leave', participant: 0 },
    ]
    const { streams } = await stage.complete({ durationMs: 400, events })
    expect(stage.requests('INVITE').map(directionsOf)).toEqual([
      ['sendonly', 'sendonly'],
      ['sendonly', 'gone', 'sendonly'],
      ['sendonly', 'gone', 'sendonly', 'sendonly'],
      ['gone', 'gone', 'sendonly', 'sendonly'],
    ])
    expect(streams.map(({ label }) => label)).toEqual(['1', '2', '3', '4'])
    for (const [position, { sent }] of streams.entries()) await heard(position, sent.packets)
    expect(streams[1]?.sent.truth.durationMs).toBeLessThan(200)
    expect(streams[2]?.sent.truth.durationMs).toBeGreaterThan(200)
    expect((streams[3]?.beginsAtUnixMs ?? 0) - (streams[0]?.beginsAtUnixMs ?? 0)).toBeGreaterThan(199)
  })

  it('is a communication session in a persistent recording session, and another', async () => {
    const events: readonly SessionEvent[] = [
      { atMs: 100, kind: 'begin' },
      { atMs: 200, kind: 'end' },
      { atMs: 300, kind: 'begin' },
    ]
    const { communications, streams } = await stage.complete({ durationMs: 400, isPersistent: true, events })
    expect(stage.requests('INVITE').map(directionsOf)).toEqual([
      ['inactive', 'inactive'],
      ['sendonly', 'sendonly'],
      ['inactive', 'inactive'],
      ['sendonly', 'sendonly'],
    ])
    expect(metadataIn(stage.requests('INVITE')[0] as SipRequest)).not.toContain('<session')
    expect(new Set(communications.map(({ id }) => id)).size).toBe(2)
    expect(streams[0]?.expectation.gaps).toHaveLength(2)
  })

  it('is done by hand as well, one thing after the other', async () => {
    const session = await stage.begin({ durationMs: 60_000 })
    const [held, resumed] = await Promise.all([session.act({ kind: 'hold' }), session.act({ kind: 'resume' })])
    expect([held?.kind, resumed?.kind]).toEqual(['agreed', 'agreed'])
    await expect(session.act({ kind: 'leave', participant: 9 })).rejects.toMatchObject({ code: 'CALL_INVALID' })
    await session.act({ kind: 'hang-up' })
    expect(completed(await session.outcome).exchanges).toHaveLength(2)
  })

  it('that the server refuses has not happened', async () => {
    const taking = stage.script
    stage.script = (request, uas) =>
      request.method === 'INVITE' && uas.received.length > 2 ? [uas.respond(request, 488)] : taking(request, uas)
    const session = await stage.begin({ durationMs: 60_000 })
    const refused = await session.act({ kind: 'join', participant: { aor: 'sip:c@example.com' }, stream: {} })
    expect(refused).toMatchObject({ kind: 'refused', status: 488 })
    stage.script = taking
    await session.act({ kind: 'refresh' })
    expect(directionsOf(stage.requests('INVITE').at(-1))).toEqual(['sendonly', 'sendonly'])
    const before = packetsOf(0).length
    await heard(0, before + 3)
    session.hangUp()
    expect(completed(await session.outcome).streams).toHaveLength(2)
  })
})

describe('requests of the server', () => {
  it('for a snapshot are answered, and followed by all there is to tell', async () => {
    const session = await stage.begin({ durationMs: 60_000 })
    await session.act({ kind: 'metadata', renames: { participant: 0, name: 'Ada' } })
    stage.uas.send(snapshotRequest(stage.uas, 1))
    const update = await waitFor(() => stage.requests('UPDATE')[1])
    expect(stage.uas.responses.map(({ status }) => status)).toEqual([200])
    expect(metadataIn(update)).toMatch(/<datamode>complete<.*Ada/s)
    expect(linesIn(update)).toEqual([])
    expect(session.requests).toMatchObject([{ method: 'UPDATE', contentType: 'application/rs-metadata-request' }])
    session.hangUp()
    expect(completed(await session.outcome).exchanges.at(-1)).toMatchObject({ kind: 'snapshot' })
  })

  it('for a snapshot are followed by a re-INVITE, or by nothing, when so said', async () => {
    const session = await stage.begin({ durationMs: 60_000, answersSnapshotsBy: 'INVITE' })
    stage.uas.send(snapshotRequest(stage.uas, 1))
    const reinvite = await waitFor(() => stage.requests('INVITE')[1])
    expect(linesIn(reinvite)).toHaveLength(2)
    expect(metadataIn(reinvite)).toContain('complete')
    session.hangUp()
    await session.outcome
  })

  it('to wait, and to go on, are followed by the media', async () => {
    const session = await stage.begin({ durationMs: 60_000 })
    await heard(1, 3)
    const offer = (cseq: number, direction: string) => {
      const text = recordingAnswer(linesIn(stage.requests('INVITE')[0] as SipRequest), (position) => ({
        ...lineOf(position),
        direction: position === 1 ? direction : 'recvonly',
      }))
      stage.uas.send(serverRequest(stage.uas, 'INVITE', cseq, { body: { type: 'application/sdp', text } }))
    }
    offer(1, 'inactive')
    const answer = await waitFor(() => stage.uas.responses[0])
    const read = readDescription(Buffer.from(answer.body).toString())
    expect(read).toMatchObject({ lines: [{ direction: 'sendonly' }, { direction: 'inactive' }] })
    const before = packetsOf(0).length
    await heard(0, before + 4)
    offer(2, 'recvonly')
    await waitFor(() => stage.uas.responses[1])
    const after = packetsOf(1).length
    await heard(1, after + 3)
    session.hangUp()
    const { streams } = completed(await session.outcome)
    expect(streams.map(({ expectation }) => expectation.gaps.length)).toEqual([0, 1])
  })

  it('for a change are put off while one of ours is under way', async () => {
    const session = await stage.begin({ durationMs: 60_000 })
    const taking = stage.script
    const text = recordingAnswer(linesIn(stage.requests('INVITE')[0] as SipRequest), lineOf)
    const asking = serverRequest(stage.uas, 'INVITE', 1, { body: { type: 'application/sdp', text } })
    stage.script = (request, uas) =>
      request.method === 'INVITE' ? [asking, ...taking(request, uas)] : taking(request, uas)
    expect(await session.act({ kind: 'hold' })).toMatchObject({ kind: 'agreed' })
    await waitFor(() => stage.uas.responses[0])
    expect(stage.uas.responses.map(({ status }) => status)).toEqual([491])
    session.hangUp()
    await session.outcome
  })

  it('against the rules end the session as failed', async () => {
    const session = await stage.begin({ durationMs: 60_000 })
    const text = recordingAnswer(linesIn(stage.requests('INVITE')[0] as SipRequest), () => ({
      port: 9,
      direction: 'sendrecv',
    }))
    stage.uas.send(serverRequest(stage.uas, 'UPDATE', 1, { body: { type: 'application/sdp', text } }))
    expect(await session.outcome).toMatchObject({
      kind: 'failed',
      invite: { kind: 'wrong-answer', reason: expect.stringMatching(/Line 1: It is sendrecv/) },
    })
    expect(stage.uas.responses.map(({ status }) => status)).toEqual([488])
  })
})

describe('a server that breaks the rules', () => {
  it('in its answer, has no session', async () => {
    stage.script = (request, uas) =>
      request.method === 'ACK'
        ? []
        : [uas.accept(request, recordingAnswer(linesIn(request), lineOf), [['Allow', 'UPDATE']])]
    expect(await stage.generator.startSession({ durationMs: 100 })).toMatchObject({
      kind: 'failed',
      invite: { kind: 'wrong-answer', reason: expect.stringMatching(/\+sip\.srs/) },
    })
    expect(stage.uas.received.map(({ method }) => method)).toEqual(['INVITE', 'ACK', 'BYE'])
    expect(packetsOf(0)).toEqual([])
  })

  it('later, has none either', async () => {
    const taking = stage.script
    stage.script = (request, uas) =>
      request.method === 'INVITE' && uas.received.length > 2
        ? [uas.respond(request, 200, { headers: recordingHeaders(uas), sdp: recordingAnswer([], lineOf) })]
        : taking(request, uas)
    const session = await stage.begin({ durationMs: 60_000, events: [{ atMs: 20, kind: 'hold' }] })
    expect(await session.outcome).toMatchObject({
      kind: 'failed',
      invite: { reason: expect.stringMatching(/^hold at \d+ ms: .*0 m-lines for 2/) },
    })
  })

  it('or refuses, is what it is', async () => {
    stage.script = (request, uas) => (request.method === 'INVITE' ? [uas.respond(request, 403)] : [])
    expect(await stage.generator.startSession({ durationMs: 100 })).toMatchObject({ invite: { status: 403 } })
  })
})

describe('a session under SRTP', () => {
  const suite = 'AES_CM_128_HMAC_SHA1_80'

  /** Takes each line under a key of its own, and its media under the client's. */
  const secureServer = () => {
    const keys = stage.sinks.map(() => makeSrtpKey(suite))
    stage.script = (request, uas) => {
      for (const [position, { cryptos }] of linesIn(request).entries()) {
        const crypto = readCrypto(cryptos[0] ?? '')
        if ('key' in crypto) stage.sinks[position]?.useKey(crypto.key)
      }
      const crypto = (position: number) => formatCrypto(1, keys[position] ?? makeSrtpKey(suite))
      return recordingServer((position) => ({ ...lineOf(position), crypto: crypto(position) }))(request, uas)
    }
    return keys
  }

  it('is sealed by lines, and goes on under new keys', async () => {
    secureServer()
    const events: readonly SessionEvent[] = [{ atMs: 200, kind: 'rekey' }]
    const { streams } = await stage.complete({ durationMs: 400, srtp: suite, events })
    for (const [position, { sent }] of streams.entries()) await heard(position, sent.packets)
    expect(stage.sinks.flatMap(({ refused }) => refused)).toEqual([])
    const offered = stage.requests('INVITE').map((request) => linesIn(request).flatMap(({ cryptos }) => cryptos))
    expect(new Set(offered.flat()).size).toBe(4)
    expect(linesIn(stage.requests('INVITE')[0] as SipRequest)).toMatchObject([
      { protocol: 'RTP/SAVP' },
      { protocol: 'RTP/SAVP' },
    ])
  })

  it('hears the reports that come under the server’s key, and no others', async () => {
    const [key = makeSrtpKey(suite)] = secureServer()
    const session = await stage.begin({ durationMs: 60_000, srtp: suite })
    await heard(0, 2)
    const { port, address } = stage.sinks[0]?.from ?? { port: 0, address: '' }
    const block = { ssrc: 7, fractionLost: 0, cumulativeLost: 0, highestSequence: 1, jitterTicks: 0 }
    const report = formatReceiverReport(5, { ...block, lastSenderReport: 0, delaySinceLastSenderReport: 0 }, 'srs')
    stage.sinks[0]?.socket.send(new SrtpSender(makeSrtpKey(suite)).sealRtcp(report), port, address)
    stage.sinks[0]?.socket.send(new SrtpSender(key).sealRtcp(report), port, address)
    await heard(0, 6)
    session.hangUp()
    expect(completed(await session.outcome).streams[0]?.sent).toMatchObject({ receiverReports: 1, refusedReports: 1 })
  })
})
