import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RunningSession } from '../../src/caller/siprec-outcome.ts'
import { aMetadata, BOUNDARY, multipart, type OfferedLine } from '../builders/siprec-text.ts'
import { cliOn } from '../integration/support/cli.ts'
import { openStream } from '../integration/support/sip-wire.ts'
import { seeded } from '../support/random.ts'
import { waitFor } from '../support/wait-for.ts'
import { floodDatagrams, lyingRtcp, lyingRtp, mutate, rtpPacket } from './support/attacks.ts'
import { ALONE, asClient, bodyOf, HostileClients, lines, MULTIPART, offerOf, SDP } from './support/hostile-clients.ts'
import { LiveServer } from './support/live-server.ts'
import { rawRequest } from './support/raw-sip.ts'
import { type ServerUse, useOf } from './support/server-use.ts'
import { completed, legIdOf, SessionStage } from './support/session-stage.ts'

const SEED = Number(process.env.SEED ?? 4_711)
const MEBIBYTE = 1024 ** 2
/** Below those that the system gives to whoever asks. */
const MEDIA_PORTS = { first: 28_000, last: 28_999 }
const STRANGER = '127.0.0.66'
const FRIEND = '127.0.0.1'
/** A friend of whom each stream is a recording. */
const SEPARATE = '127.0.0.90'
const PLAIN_SDP = 'application/sdp'
/** What all attacks together may cost, with what the collector has not yet collected. */
const GROWTH_MAX_BYTES = 250 * MEBIBYTE
/** Of the file systems, clients and databases that come and go. */
const SPARE_DESCRIPTORS = 12
const HOOK_MS = 60_000
/** Longer than all attacks: who is beside hangs up when they are over. */
const BESIDE_MS = 55_000
const NOISE = Uint8Array.from({ length: 160 }, (_, index) => (index % 8 < 4 ? 0x00 : 0x80))

const live = new LiveServer({
  POULSEN_RTP_PORTS: `${MEDIA_PORTS.first}-${MEDIA_PORTS.last}`,
  POULSEN_CALLS_MAX: '100',
})
const stage = new SessionStage(live)
const clients = new HostileClients(live)
let before: ServerUse
let beside: readonly RunningSession[]
let floods: readonly Promise<number>[]
const attacked = Promise.withResolvers<void>()

beforeAll(async () => {
  await live.start()
  const cli = cliOn(live.dataDir)
  const [first] = await cli.json<{ id: string }[]>('trunk', 'list')
  await cli.json('trunk', 'update', first?.id ?? '', '--network', FRIEND)
  await cli.json('trunk', 'create', '--name', 'separate', '--layout', 'separate', '--network', SEPARATE)
  // What is loaded once is not what the attacks cost.
  await completed(await stage.begin({ durationMs: 300 }))
  await waitFor(async () => ((await use()).mediaPorts === 0 ? true : undefined))
  before = await use()
  beside = await Promise.all([
    stage.begin({ durationMs: BESIDE_MS, seed: SEED }),
    stage.begin({ durationMs: BESIDE_MS, seed: SEED + 10, srtp: 'AES_CM_128_HMAC_SHA1_80' }),
  ])
  floods = beside.flatMap(({ lines }) => lines.map(({ rtpPort }) => flood(rtpPort)))
}, HOOK_MS)

afterAll(async () => {
  attacked.resolve()
  clients.close()
  await stage.close()
  await live.dispose()
})

const use = (): Promise<ServerUse> => useOf(live, MEDIA_PORTS)

/** Strangers and forgers at one media port, for as long as the attacks last. */
const flood = async (port: number): Promise<number> => {
  const random = seeded(SEED + port)
  const kinds = [
    (index: number) => rtpPacket(0x5555, index, NOISE),
    (index: number) => mutate(rtpPacket(0x5555, index, NOISE), random),
    () => lyingRtp(0x5555, random),
    () => lyingRtcp(0x5555, random),
  ]
  const sent = await Promise.all(
    [FRIEND, STRANGER].flatMap((from) =>
      kinds.map((datagram) => floodDatagrams({ from, port, until: attacked.promise, perBurst: 1, datagram })),
    ),
  )
  return sent.reduce((sum, count) => sum + count, 0)
}

describe('metadata', () => {
  it('that is a bomb, a maze or no XML at all is kept, never followed, and costs nothing', async () => {
    const bombs: readonly (readonly [string, RegExp])[] = [
      ['<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><recording>&b;</recording>', /document type/],
      ['<!DOCTYPE r SYSTEM "file:///etc/passwd"><recording/>', /document type/],
      [`<recording xmlns="urn:ietf:params:xml:ns:recording:1">${'<a>'.repeat(10_000)}`, /nested too deeply/],
      [`<recording>${'<a/>'.repeat(12_000)}</recording>`, /too many elements/],
      [`<recording ${'a'.repeat(30_000)}="${'b'.repeat(20_000)}"/>`, /too long|too many/],
      [`<recording ${Array.from({ length: 5_000 }, (_, index) => `a${index}="1"`).join(' ')}/>`, /too many attributes/],
      ['<recording>&undefined;</recording>', /./],
      ['\0\x01\x02 not xml', /./],
    ]
    const { peer, legId } = await clients.session()
    for (const [body] of bombs) expect(await peer.statusOf('UPDATE', { body, headers: ALONE })).toBe(200)
    const history = await clients.historyOf(legId)
    expect(history.slice(1).map(({ reason }) => reason)).toEqual(
      bombs.map(([, reason]) => expect.stringMatching(reason)),
    )
    expect(await peer.statusOf('BYE')).toBe(200)
  })

  it('that lies about streams and labels records what the lines say', async () => {
    const lies = aMetadata({
      session: 'LEG',
      participants: [
        { name: 'a', labels: ['1', '2', '77'] },
        { name: 'b', labels: ['1', '2', '88'] },
        { name: 'a', labels: ['1'] },
      ],
    })
    const { peer, legId } = await clients.session({ metadata: lies })
    const again = [lies.replaceAll('stream_id', 'participant_id'), lies.replace(/<label>\d+/g, '<label>1')]
    for (const body of again) expect(await peer.statusOf('UPDATE', { body, headers: ALONE })).toBe(200)
    expect(await peer.statusOf('BYE')).toBe(200)
    const recording = await live.details((await clients.recordingOf(legId)) ?? '')
    expect(recording.quality?.streams.map(({ label, channel }) => [label, channel])).toEqual([
      ['1', 0],
      ['2', 1],
    ])
  })

  it('of sixty kilobytes, more often than is kept: the call goes on', { timeout: 40_000 }, async () => {
    const { peer, legId } = await clients.session()
    const small = aMetadata({ session: legId })
    const large = small.replace('</recording>', `${'<x:v xmlns:x="urn:x">vendor</x:v>'.repeat(1_800)}</recording>`)
    expect(large.length).toBeGreaterThan(59_000)
    const statuses = new Set<number>()
    for (let sent = 0; sent < 1_010; sent += 1) {
      const body = sent % 10 === 0 ? large : small
      statuses.add(await peer.statusOf('UPDATE', { body, headers: ALONE }))
    }
    expect([...statuses]).toEqual([200])
    expect(await clients.historyOf(legId)).toHaveLength(1_000)
    expect(await peer.statusOf('INVITE', { body: offerOf(lines(3)), headers: asClient(peer, PLAIN_SDP) })).toBe(200)
    expect(await peer.statusOf('BYE')).toBe(200)
  })

  it('of which each update is sent before the one before is answered', async () => {
    const { peer, legId } = await clients.session()
    const body = aMetadata({ session: legId })
    const statuses = await Promise.all(
      Array.from({ length: 200 }, () => peer.statusOf('UPDATE', { body, headers: ALONE })),
    )
    expect(new Set(statuses).difference(new Set([200, 500]))).toEqual(new Set())
    expect(statuses).toContain(200)
    expect(await peer.statusOf('BYE')).toBe(200)
  })
})

describe('bodies', () => {
  it('of many parts, without end, or of parts in parts are taken as far as makes sense, or refused', async () => {
    const sdp = ['application/sdp', offerOf(lines(2))] as const
    const nested = (depth: number): string =>
      depth === 0 ? multipart([sdp]) : multipart([[MULTIPART, nested(depth - 1)]]).replaceAll(BOUNDARY, `b${depth}`)
    const bodies: readonly (readonly [string, string, number])[] = [
      ['no last boundary', multipart([sdp]).replace(`--${BOUNDARY}--\r\n`, ''), 200],
      ['no end at all', `--${BOUNDARY}\r\n`.repeat(3_000), 400],
      ['more parts than are read', multipart(Array.from({ length: 17 }, () => sdp)), 400],
      ['none of the boundary', 'v=0\r\n', 400],
      ['nested too deeply', nested(3), 400],
      ['what has to be understood', multipart([sdp, ['application/x-strange', 'x']]), 415],
      ['a part without a head: text', `--${BOUNDARY}\r\n\r\n${sdp[1]}\r\n--${BOUNDARY}--`, 415],
    ]
    for (const [name, body, expected] of bodies) {
      const peer = await clients.peer()
      const type = name === 'nested too deeply' ? 'multipart/mixed;boundary=b3' : MULTIPART
      const { status } = await peer.invite({ body, headers: asClient(peer, type) })
      expect(status, name).toBe(expected)
      if (status === 200) expect(await peer.statusOf('BYE')).toBe(200)
    }
  })

  it('of more lines than anybody needs get as many streams as a session has, or 400', async () => {
    const peer = await clients.peer()
    const { status, body } = await peer.invite({ body: offerOf(lines(32)), headers: asClient(peer, PLAIN_SDP) })
    const ports = [...new TextDecoder().decode(body).matchAll(/^m=audio (\d+)/gm)].map(([, port]) => Number(port))
    expect([status, ports.length, ports.filter((port) => port > 0).length]).toEqual([200, 32, 8])
    expect(await peer.statusOf('BYE')).toBe(200)
    const other = await clients.peer()
    const refused = [
      offerOf(lines(33)),
      `${offerOf(lines(1))}${'a=x\r\n'.repeat(5_000)}`,
      `v=0\r\n${'o=\r\n'.repeat(9_000)}`,
    ]
    for (const text of refused)
      expect((await other.invite({ body: text, headers: asClient(other, PLAIN_SDP) })).status).toBe(400)
  })

  it('and heads of a megabyte cost their sender the connection', async () => {
    const parameters = Array.from({ length: 10_000 }, (_, index) => `;p${index}`).join('')
    const requests = [
      rawRequest({
        callId: 'a',
        branch: 'a',
        transport: 'TCP',
        body: `${offerOf(lines(2))}${'a=x\r\n'.repeat(200_000)}`,
      }),
      rawRequest({ callId: 'b', branch: 'b', transport: 'TCP', headers: [`Contact: <sip:a@b>${parameters}`] }),
      rawRequest({ callId: 'c', branch: 'c', transport: 'TCP', headers: [`Accept: a/b${parameters}`], body: 'x' }),
    ]
    const statuses = requests.map(async (text) => {
      const client = await openStream('TCP', { address: FRIEND, port: live.sipPort('tcp') })
      const { sent } = client.aCall().flow
      client.write(text)
      await client.ended
      return sent.map((message) => message.kind === 'response' && message.status)
    })
    expect(await Promise.all(statuses)).toEqual(requests.map(() => [513]))
  })
})

describe('requests of a session that come as often as the network lets them through', () => {
  it('re-INVITEs with other addresses, holds and keys: each gets its answer', async () => {
    const { peer } = await clients.session()
    const headers = asClient(peer, PLAIN_SDP)
    const key = (round: number) => Buffer.alloc(30, round).toString('base64')
    const secured = (round: number): Partial<OfferedLine> => ({
      protocol: 'RTP/SAVP',
      attributes: [`a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${key(round)}`],
    })
    const change = (round: number): Partial<OfferedLine> =>
      round % 3 === 0 ? { direction: 'inactive' } : round % 3 === 1 ? secured(round) : { port: 21_000 + 2 * round }
    const statuses = new Set<number>()
    for (let round = 0; round < 150; round += 1)
      statuses.add(await peer.statusOf('INVITE', { body: offerOf(lines(2, change(round))), headers }))
    expect([...statuses]).toEqual([200])
    const atOnce = await Promise.all(
      Array.from({ length: 100 }, (_, round) =>
        peer.statusOf('UPDATE', { body: offerOf(lines(2, secured(round))), headers }),
      ),
    )
    expect(new Set(atOnce).difference(new Set([200, 500]))).toEqual(new Set())
    expect(await peer.statusOf('BYE')).toBe(200)
  })

  it('re-INVITEs with a new line each: no more streams than a session has', async () => {
    const { peer } = await clients.session()
    const { mediaPorts } = await use()
    const headers = asClient(peer, PLAIN_SDP)
    for (let count = 3; count <= 32; count += 1) {
      const closed = lines(count - 1, { port: 0 })
      const body = offerOf([...closed, ...lines(1, {}, count - 1)])
      expect(await peer.statusOf('INVITE', { body, headers }), `${count}`).toBe(count <= 8 ? 200 : 488)
    }
    expect((await use()).mediaPorts - mediaPorts).toBe(2 * 6)
    expect(await peer.statusOf('BYE')).toBe(200)
  })

  it('glare, and UPDATE before ACK', async () => {
    const peer = await clients.peer()
    const headers = asClient(peer, PLAIN_SDP)
    const body = bodyOf(lines(2), aMetadata({ session: randomUUID() }))
    expect((await peer.request('INVITE', { body, headers: asClient(peer) })).status).toBe(200)
    peer.call.learn()
    expect(await peer.statusOf('UPDATE', { body: offerOf(lines(2)), headers: SDP })).toBe(200)
    peer.call.ack()
    const offered = await peer.request('INVITE', { headers: headers.slice(0, 2) })
    const acknowledge = { sequence: peer.call.inviteSequence, body: offerOf(lines(2)), headers: SDP }
    expect(offered.status).toBe(200)
    expect(await peer.statusOf('UPDATE', { body: offerOf(lines(2)), headers: SDP })).toBe(491)
    expect(await peer.statusOf('INVITE', { body: offerOf(lines(2)), headers })).toBe(491)
    peer.call.send('ACK', acknowledge)
    expect(await peer.statusOf('INVITE', { body: offerOf(lines(2)), headers: asClient(peer, PLAIN_SDP) })).toBe(200)
    expect(await peer.statusOf('BYE')).toBe(200)
  })

  it('another communication session each time: a recording each, all of them final', async () => {
    const { peer } = await clients.session()
    const legIds: readonly string[] = Array.from({ length: 40 }, () => randomUUID())
    for (const legId of legIds)
      expect(await peer.statusOf('UPDATE', { body: aMetadata({ session: legId }), headers: ALONE })).toBe(200)
    expect(await peer.statusOf('BYE')).toBe(200)
    await waitFor(async () => {
      const all = (await live.list()).filter((each) => legIds.includes(each.relay_sip_leg_id ?? ''))
      return all.length === legIds.length && all.every(({ status }) => status === 'no_input') ? true : undefined
    })
  })
})

describe('an end in the middle of something', () => {
  it('BYE behind a re-INVITE that opens ports: both are answered', async () => {
    const ended = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        const { peer } = await clients.session(index % 2 === 0 ? {} : { from: SEPARATE })
        const headers = asClient(peer, PLAIN_SDP)
        const reinvite = peer.request('INVITE', { body: offerOf(lines(8)), headers })
        const bye = peer.statusOf('BYE')
        return [(await reinvite).status, await bye] as const
      }),
    )
    expect(new Set(ended.map(([, bye]) => bye))).toEqual(new Set([200]))
    expect(new Set(ended.map(([reinvite]) => reinvite)).difference(new Set([200, 481, 487]))).toEqual(new Set())
  })

  it('CANCEL behind an INVITE: the call is there, or it never was', async () => {
    const statuses = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const peer = await clients.peer()
        const answered = peer.request('INVITE', { body: bodyOf(lines(2), aMetadata({})), headers: asClient(peer) })
        peer.call.cancel()
        const { status } = await answered
        if (status === 200) peer.call.learn()
        peer.call.ack()
        if (status === 200) expect(await peer.statusOf('BYE')).toBe(200)
        return status
      }),
    )
    expect(new Set(statuses).difference(new Set([200, 487]))).toEqual(new Set())
  })

  it('the recording is deleted while updates come: the server hangs up', async () => {
    const { peer, legId } = await clients.session()
    const id = await clients.recordingOf(legId)
    const body = aMetadata({ session: legId })
    const updates = Array.from({ length: 30 }, () => peer.statusOf('UPDATE', { body, headers: ALONE }))
    await live.remove(id ?? '')
    const statuses = await Promise.all(updates)
    expect(new Set(statuses).difference(new Set([200, 481, 487, 500]))).toEqual(new Set())
    await waitFor(() => (peer.requested.includes('BYE') ? true : undefined))
    expect(await clients.recordingOf(legId)).toBeUndefined()
  })
})

describe('after all that', () => {
  it('who was beside has lost nothing', { timeout: 40_000 }, async () => {
    attacked.resolve()
    const sent = await Promise.all(floods)
    for (const each of beside) each.hangUp()
    const outcomes = await Promise.all(beside.map(completed))
    for (const [index, outcome] of outcomes.entries()) {
      const [recording] = await stage.finalsOf(legIdOf(outcome))
      if (!recording) throw new Error('there is no recording')
      const told = `SEED=${SEED} ${JSON.stringify(recording.quality?.streams)}`
      expect(recording.call?.end_reason).toBe('hangup')
      expect(recording.quality?.streams, told).toMatchObject(
        outcome.streams.map((stream) => ({ packets: stream.sent.packets, lost: 0, late: 0, ssrc_changes: 0 })),
      )
      expect(await stage.complaintsOf(recording, outcome.streams), told).toEqual([])
      const refused = (recording.quality?.streams ?? []).map(
        ({ strangers = 0, invalid = 0, unauthentic = 0 }) => strangers + invalid + unauthentic,
      )
      for (const [line, count] of refused.entries())
        expect(count, told).toBeGreaterThan((sent[2 * index + line] ?? 0) / 4)
    }
  })

  it('nothing stays open, and memory is what it was', { timeout: 40_000 }, async () => {
    const after = await waitFor(async () => {
      const now = await use()
      return now.calls === 0 && now.mediaPorts === 0 && now.growingFiles === 0 ? now : undefined
    }, 35_000)
    expect(after.fileDescriptors).toBeLessThanOrEqual(before.fileDescriptors + SPARE_DESCRIPTORS)
    expect(after.residentBytes - before.residentBytes).toBeLessThan(GROWTH_MAX_BYTES)
    expect((await live.list()).filter(({ status }) => status === 'recording')).toEqual([])
    expect((await fetch(new URL('/healthz', live.server.url))).status).toBe(200)
    await completed(await stage.begin({ durationMs: 300 }))
  })
})
