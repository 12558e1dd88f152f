import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CallOptions, CallTargetOptions } from '../../src/caller/call-options.ts'
import { PacketStream } from '../../src/caller/packet-stream.ts'
import { CallGenerator, type CompletedCall, placeCall, type RunningCall } from '../../src/caller/place-call.ts'
import { readSession } from '../../src/caller/session-text.ts'
import { headerOf, type SipMessage } from '../../src/protocol/sip/message.ts'
import { cliOn } from '../integration/support/cli.ts'
import { seeded } from '../support/random.ts'
import { waitFor } from '../support/wait-for.ts'
import {
  atOnce,
  floodDatagrams,
  lyingRtcp,
  lyingRtp,
  type Misdeed,
  misuseConnections,
  mutate,
  openAttacker,
  rtpPacket,
  slowly,
} from './support/attacks.ts'
import { TestCertificate } from './support/certificate.ts'
import { complaintsOfCall } from './support/judge.ts'
import { LiveServer } from './support/live-server.ts'
import { OFFER, rawRequest } from './support/raw-sip.ts'

const SEED = Number(process.env.SEED ?? 8731)
const MEBIBYTE = 1024 ** 2
const CALL_MS = 7000
const CALLS_MAX = 60
/** No trunk covers it. */
const STRANGER = '127.0.0.66'
const FRIEND = '127.0.0.1'
/** What all attacks together may cost, with what the collector has not yet collected. */
const GROWTH_MAX_BYTES = 250 * MEBIBYTE
/** An unacknowledged call is given up after 64 T1 (RFC 3261 §13.3.1.4). */
const ROOM_AGAIN_MS = 60_000

/** As loud as µ-law can be, at 1 kHz: nobody would miss it in a recording. */
const NOISE = Uint8Array.from({ length: 160 }, (_, index) => (index % 8 < 4 ? 0x00 : 0x80))
const EARLY_PACKETS = 10
const TOO_MUCH_CONNECTIONS = 5
const SILENT_CONNECTIONS = 10
/** A first message takes at most ten seconds; and a moment until everybody has noticed. */
const SILENT_MAX_MS = 14_000

const certificate = new TestCertificate()
const live = new LiveServer({
  POULSEN_SIP_LISTEN: 'udp:127.0.0.1:0,tcp:127.0.0.1:0,tls:127.0.0.1:0',
  POULSEN_TLS_CERT: certificate.certPath,
  POULSEN_TLS_KEY: certificate.keyPath,
  POULSEN_CALLS_MAX: `${CALLS_MAX}`,
})
/** Where the server receives the media of a call, by Call-ID. */
const rtpPorts = new Map<string, number>()
const generators: CallGenerator[] = []

beforeAll(async () => {
  certificate.make()
  await live.start()
  const cli = cliOn(live.dataDir)
  const [first] = await cli.json<{ id: string }[]>('trunk', 'list')
  await cli.json('trunk', 'update', first?.id ?? '', '--network', FRIEND)
  // The server that runs sees what the command line changed, soon.
  await waitFor(async () => {
    const outcome = await placeCall({ target: target('udp'), localAddress: STRANGER, durationMs: 20 })
    return outcome.kind === 'failed' || undefined
  })
}, 600_000)
afterAll(async () => {
  for (const generator of generators) generator.close()
  await live.dispose()
  certificate.dispose()
})

const target = (transport: 'udp' | 'tcp'): string => `sip:127.0.0.1:${live.sipPort(transport)};transport=${transport}`

/** Looks at the answer of the server before the caller does. */
const notePort = (message: SipMessage, direction: 'out' | 'in'): boolean => {
  if (direction === 'in' && message.kind === 'response' && message.status === 200 && message.body.length > 0) {
    const session = readSession(Buffer.from(message.body).toString())
    if (!('reason' in session)) rtpPorts.set(headerOf(message, 'Call-ID') ?? '', session.rtpPort)
  }
  return false
}

const start = async (options: CallOptions, more: CallTargetOptions = {}): Promise<RunningCall> => {
  const generator = await CallGenerator.open({ target: target('udp'), loses: notePort, ...more })
  generators.push(generator)
  const started = await generator.start(options)
  if (started.kind === 'failed') throw new Error(JSON.stringify(started.invite))
  return started
}

/** The SSRC that a call with this seed has: what a spy would know. */
const ssrcOf = (seed: number): number =>
  new PacketStream({ frameMs: 20, frameTicks: 160, frameCount: 1 }, {}, seed).truth().ssrcs[0] ?? 0

const residentBytes = (): number => {
  const status = readFileSync(`/proc/${live.server.pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024
}

/** Nothing of a call was lost, and nothing came in that it did not say. */
const expectWhole = async (outcome: CompletedCall): Promise<void> => {
  const recording = await live.finalOf(outcome.callId)
  const told = `SEED=${SEED} ${JSON.stringify(recording.quality?.streams)} late ${outcome.sent.lateMaxMs} ms`
  expect(await complaintsOfCall(live, outcome), told).toEqual([])
  expect(recording.call?.end_reason).toBe('hangup')
  expect(recording.quality?.streams, told).toMatchObject([{ packets: outcome.sent.packets, lost: 0, late: 0 }])
}

describe('strangers at the media port', () => {
  it('add nothing to a call and take nothing from it', { timeout: 60_000 }, async () => {
    const random = seeded(SEED)
    const [seed, leg] = [SEED, 1]
    const running = await start({ durationMs: CALL_MS, seed, leg })
    const port = rtpPorts.get(running.callId) ?? 0
    const until = running.outcome
    const ssrc = ssrcOf(seed)
    const flood = (from: string, perBurst: number, datagram: (index: number) => Uint8Array) =>
      floodDatagrams({ from, port, until, perBurst, datagram })
    const floods = [FRIEND, STRANGER].flatMap((from) => [
      flood(from, 5, (index) => rtpPacket(ssrc ^ 0x5555, index, NOISE)),
      flood(from, 5, (index) => rtpPacket(ssrc, index, NOISE)),
      flood(from, 2, (index) => mutate(rtpPacket(ssrc, index, NOISE), random)),
      flood(from, 2, () => lyingRtp(ssrc, random)),
      flood(from, 2, () => lyingRtcp(ssrc, random)),
    ])
    const sent = await Promise.all(floods)
    const outcome = await running.outcome
    await expectWhole(outcome)
    const [stream] = (await live.finalOf(outcome.callId)).quality?.streams ?? []
    const total = sent.reduce((sum, count) => sum + count, 0)
    expect((stream?.strangers ?? 0) + (stream?.invalid ?? 0)).toBeGreaterThan(total / 4)
    expect(stream?.ssrc_changes).toBe(0)
  })

  it('that are there before the first packet are not heard when the caller speaks', async () => {
    const stranger = await openAttacker(STRANGER)
    const noted = new Set(rtpPorts.keys())
    const loses = (message: SipMessage, direction: 'out' | 'in'): boolean => {
      notePort(message, direction)
      for (const [callId, port] of rtpPorts) {
        if (noted.has(callId)) continue
        noted.add(callId)
        for (let index = 0; index < EARLY_PACKETS; index += 1) stranger.send(rtpPacket(77, index, NOISE), port, FRIEND)
      }
      return false
    }
    const running = await start({ durationMs: 3000, seed: SEED + 1, leg: 3 }, { loses })
    const outcome = await running.outcome
    stranger.close()
    await expectWhole(outcome)
    const { quality } = await live.finalOf(outcome.callId)
    expect(quality?.streams).toMatchObject([{ strangers: EARLY_PACKETS, ssrc_changes: 0 }])
  })
})

describe('strangers at the signalling ports', () => {
  it('add nothing to calls, take nothing from them, and cost little', { timeout: 120_000 }, async () => {
    const random = seeded(SEED + 2)
    const bytesBefore = residentBytes()
    const calls = await Promise.all([
      start({ durationMs: CALL_MS, seed: SEED + 3, leg: 0 }),
      start({ durationMs: CALL_MS, seed: SEED + 4, leg: 2, codecs: ['G722'] }, { target: target('tcp') }),
    ])
    const [victim] = calls
    const until = Promise.all(calls.map(({ outcome }) => outcome))
    const fresh = (more: Partial<Parameters<typeof rawRequest>[0]> = {}) =>
      rawRequest({ callId: randomUUID(), branch: randomUUID(), body: OFFER, ...more })
    const flood = (from: string, perBurst: number, text: (index: number) => Uint8Array) =>
      floodDatagrams({ from, port: live.sipPort('udp'), until, perBurst, datagram: text })
    const within = (method: string) => () =>
      Buffer.from(fresh({ method, callId: victim?.callId ?? '', toTag: 'guess', body: '', cseq: 99 }))
    const misuse = (transport: 'tcp' | 'tls', from: string, count: number, misdeed: Misdeed) =>
      misuseConnections({ from, port: live.sipPort(transport), count, until, misdeed })
    const headers = Array.from({ length: 10_000 }, (_, index) => `X-Header-${index}: value`)
    const attacks = [
      flood(STRANGER, 10, () => Buffer.from(fresh({ from: STRANGER }))),
      flood(FRIEND, 2, () => Buffer.from(fresh())),
      flood(FRIEND, 5, () => mutate(Buffer.from(fresh()), random)),
      flood(STRANGER, 5, () => mutate(Buffer.from(fresh({ from: STRANGER })), random)),
      ...['BYE', 'CANCEL', 'INVITE', 'UPDATE', 'ACK'].map((method) => flood(STRANGER, 1, within(method))),
      ...['BYE', 'CANCEL', 'INVITE', 'UPDATE', 'ACK'].map((method) => flood(FRIEND, 1, within(method))),
      ...(['tcp', 'tls'] as const).flatMap((transport) => [
        misuse(transport, STRANGER, 50, async () => {}),
        misuse(transport, STRANGER, 20, slowly(fresh({ transport: 'TCP' }))),
        misuse(transport, FRIEND, 20, slowly(fresh({ transport: 'TCP' }))),
        misuse(transport, FRIEND, 5, atOnce(Buffer.from([0x16, 3, 1, 0xff, 0xff, 1, 0, 0]))),
      ]),
      misuse('tcp', STRANGER, 20, async (socket, isOver) => {
        while (!isOver() && socket.writableLength < MEBIBYTE) {
          socket.write(mutate(Buffer.from(fresh({ transport: 'TCP', from: STRANGER })), random))
          await new Promise((resolve) => setTimeout(resolve, 20))
        }
      }),
    ]
    // What is too much or makes no sense costs its sender the connection.
    const tooMuch = [
      fresh({ transport: 'TCP', headers }),
      fresh({ transport: 'TCP', body: `${OFFER}${'a=x\r\n'.repeat(200_000)}` }),
      fresh({ transport: 'TCP', declaredBytes: 2 ** 40 }),
      fresh({ transport: 'TCP', body: '', declaredBytes: -1 }),
      `INVITE ${'x'.repeat(100_000)}`,
    ].map((text) => misuse('tcp', FRIEND, TOO_MUCH_CONNECTIONS, atOnce(text)))
    expect(await Promise.all(tooMuch)).toEqual(tooMuch.map(() => TOO_MUCH_CONNECTIONS))
    await Promise.all(attacks)
    const outcomes = await until
    for (const outcome of outcomes) await expectWhole(outcome)
    expect(residentBytes() - bytesBefore).toBeLessThan(GROWTH_MAX_BYTES)
    // Who never acknowledges holds a place for half a minute; then there is room again.
    const after = await waitFor(async () => {
      const started = await placeCall({ target: target('udp'), durationMs: 1500, seed: SEED + 5, leg: 3 })
      return started.kind === 'completed' ? started : undefined
    }, ROOM_AGAIN_MS)
    await expectWhole(after)
    const left = await waitFor(async () => {
      const rows = await live.list()
      return rows.some(({ status }) => status === 'recording') ? undefined : rows
    }, ROOM_AGAIN_MS)
    const completed = left.filter(({ status }) => status === 'completed')
    expect(left.filter(({ status }) => !['completed', 'no_input'].includes(status))).toEqual([])
    expect(completed.map(({ relay_sip_leg_id }) => relay_sip_leg_id)).toEqual(
      expect.arrayContaining([...outcomes, after].map(({ callId }) => callId)),
    )
    expect((await fetch(new URL('/healthz', live.server.url))).status).toBe(200)
  })

  it.concurrent('that say nothing, or hardly anything, are cut after a while', { timeout: 60_000 }, async () => {
    const never = Promise.withResolvers<void>()
    const late = setTimeout(never.resolve, SILENT_MAX_MS)
    const text = rawRequest({ callId: randomUUID(), branch: randomUUID(), transport: 'TCP' })
    const misuses = (['tcp', 'tls'] as const).flatMap((transport) =>
      [async () => {}, slowly(text, 200)].map((misdeed) => {
        const port = live.sipPort(transport)
        return misuseConnections({ from: FRIEND, port, count: SILENT_CONNECTIONS, until: never.promise, misdeed })
      }),
    )
    expect(await Promise.all(misuses)).toEqual(misuses.map(() => SILENT_CONNECTIONS))
    clearTimeout(late)
    never.resolve()
  })

  it.concurrent('may re-INVITE as often as they like within their own call: it goes on', {
    timeout: 60_000,
  }, async () => {
    const running = await waitFor(
      () => start({ durationMs: 3000, seed: SEED + 6, leg: 1 }).catch(() => undefined),
      ROOM_AGAIN_MS,
    )
    const answers = await Promise.all(Array.from({ length: 100 }, () => running.sip.refresh()))
    const kinds = answers.map((answer) => (answer.kind === 'refused' ? answer.status : answer.kind))
    expect(new Set(kinds).difference(new Set(['agreed', 491, 500, 503]))).toEqual(new Set())
    expect(kinds).toContain('agreed')
    await expectWhole(await running.outcome)
  })
})
