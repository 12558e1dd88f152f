import { describe, expect, it } from 'vitest'
import { aSipCore } from '../../../test/builders/sip-server.ts'
import { aMetadata, aSessionOffer, BOUNDARY, multipart, type OfferedLine } from '../../../test/builders/siprec-text.ts'
import type { Trunk } from '../../domain/trunk.ts'
import { headerOf, type SipHeaders } from '../../protocol/sip/message.ts'

const OTHER_SESSION = '00000000-0000-4000-8000-000000000002'
const METADATA = 'application/rs-metadata+xml'
const SRC: SipHeaders = [
  ['Require', 'siprec'],
  ['Contact', '<sip:src@192.0.2.10:5070>;+sip.src'],
]
const MULTIPART: SipHeaders = [...SRC, ['Content-Type', `multipart/mixed;boundary=${BOUNDARY}`]]
const SDP: SipHeaders = [...SRC, ['Content-Type', 'application/sdp']]
const ALONE: SipHeaders = [['Content-Type', METADATA]]
const TWO: readonly OfferedLine[] = [
  { port: 20_000, label: '1' },
  { port: 20_002, label: '2' },
]
const THREE = [...TWO, { port: 20_004, label: '3' }]
const held = (lines: readonly OfferedLine[]) => lines.map((line) => ({ ...line, direction: 'inactive' }))

const bodyOf = (lines: readonly OfferedLine[], metadata: string): string =>
  multipart([
    ['application/sdp', aSessionOffer(lines)],
    [METADATA, metadata],
  ])
const gate = () => Promise.withResolvers<void>()

/** A recording session that is up. */
const running = async (parts: { body?: string; trunk?: Partial<Trunk> } = {}) => {
  const server = aSipCore({ trunk: parts.trunk ?? {} })
  const call = server.aCall()
  call.send('INVITE', { body: parts.body ?? bodyOf(TWO, aMetadata({})), headers: MULTIPART })
  await server.timers.advance(0)
  call.learn()
  call.ack()
  const rest = () => server.timers.advance(0)
  const over = () => ({ reserved: server.recorder.reserved.size, calls: server.telemetry.calls })
  return { server, call, rest, over, recorder: server.recorder }
}

describe('requests of one session that come at once', () => {
  it.each([
    ['INVITE', SDP],
    ['UPDATE', SDP],
  ] as const)('an offer by %s waits for the answer to the one before', async (method, headers) => {
    const { call, rest, recorder } = await running()
    const slow = gate()
    recorder.gates.addStream = slow.promise
    const first = call.send('INVITE', { body: aSessionOffer(THREE), headers: SDP })
    await rest()
    const second = call.send(method, { body: aSessionOffer(held(TWO)), headers })
    await rest()
    expect(call.statusesOf(second)).toEqual([500])
    expect(headerOf(call.finalOf(second) ?? { headers: [] }, 'Retry-After')).toMatch(/^(?:\d|10)$/)
    slow.resolve()
    await rest()
    expect(call.finalOf(first)?.status).toBe(200)
    expect(recorder.calls[0]?.updates.map((streams) => streams.map(({ isHeld }) => isHeld))).toEqual([
      [false, false, false],
    ])
  })

  it('an UPDATE waits for the one before; metadata for an INVITE, in their order', async () => {
    const { call, rest, recorder } = await running()
    const slow = gate()
    recorder.gates.append = slow.promise
    const reinvite = call.send('INVITE', { body: bodyOf(TWO, aMetadata({ dataMode: 'partial' })), headers: MULTIPART })
    const update = call.send('UPDATE', { body: aMetadata({}), headers: ALONE })
    const another = call.send('UPDATE', { body: aMetadata({}), headers: ALONE })
    await rest()
    expect([reinvite, update, another].map((branch) => call.finalOf(branch)?.status)).toEqual([
      undefined,
      undefined,
      500,
    ])
    slow.resolve()
    await rest()
    expect([reinvite, update].map((branch) => call.finalOf(branch)?.status)).toEqual([200, 200])
    const kept = recorder.calls[0]?.metadata.map(({ xml }) => new TextDecoder().decode(xml).includes('partial'))
    expect(kept).toEqual([true, false])
  })

  it('a re-INVITE that is cancelled while it waits changes nothing', async () => {
    const { call, rest, recorder } = await running()
    const slow = gate()
    recorder.gates.addStream = slow.promise
    const reinvite = call.send('INVITE', { body: aSessionOffer(held(THREE)), headers: SDP })
    await rest()
    call.cancel()
    slow.resolve()
    await rest()
    expect(call.finalOf(reinvite)?.status).toBe(487)
    expect(recorder.calls[0]?.updates).toEqual([])
  })
})

describe('a BYE in the middle of something', () => {
  it('of a re-INVITE that opens ports: both are answered, and nothing stays open', async () => {
    const { call, rest, recorder, over } = await running()
    const slow = gate()
    recorder.gates.addStream = slow.promise
    const reinvite = call.send('INVITE', { body: aSessionOffer(THREE), headers: SDP })
    await rest()
    const bye = call.send('BYE')
    await rest()
    expect(call.statusesOf(bye)).toEqual([200])
    expect(recorder.calls[0]?.endReason).toBe('hangup')
    slow.resolve()
    await rest()
    expect(call.finalOf(reinvite)?.status).toBe(487)
    expect(over()).toMatchObject({ calls: 0 })
  })

  it('of the change to another communication session: no recording of that begins, and its ports are given back', async () => {
    const { call, rest, recorder, over } = await running()
    const slow = gate()
    recorder.gates.succeed = slow.promise
    const update = call.send('UPDATE', { body: aMetadata({ session: OTHER_SESSION }), headers: ALONE })
    await rest()
    const bye = call.send('BYE')
    await rest()
    slow.resolve()
    await rest()
    expect([update, bye].map((branch) => call.finalOf(branch)?.status)).toEqual([487, 200])
    expect(recorder.calls.map(({ endReason }) => endReason)).toEqual(['hangup'])
    expect(over()).toEqual({ reserved: 0, calls: 0 })
  })

  it('of the beginning of the next recording: that ends as well', async () => {
    const { call, rest, recorder, over } = await running()
    const slow = gate()
    recorder.gates.begin = slow.promise
    call.send('UPDATE', { body: aMetadata({ session: OTHER_SESSION }), headers: ALONE })
    await rest()
    call.send('BYE')
    await rest()
    slow.resolve()
    await rest()
    expect(recorder.calls.map(({ endReason }) => endReason)).toEqual(['hangup', 'hangup'])
    expect(over()).toEqual({ reserved: 0, calls: 0 })
  })

  it('ends the recording at once, also when its own metadata cannot be kept in time', async () => {
    const { server, call, rest, recorder, over } = await running()
    recorder.gates.append = new Promise(() => {})
    const bye = call.send('BYE', { body: aMetadata({ session: '' }), headers: ALONE })
    await rest()
    expect(recorder.calls[0]?.endReason).toBe('hangup')
    await server.timers.advance(60_000)
    expect(call.finalOf(bye)?.status).toBe(503)
    expect(over()).toEqual({ reserved: 0, calls: 0 })
    expect(server.timers.pendingCount).toBe(0)
  })
})

describe('metadata of a session that is not recorded yet', () => {
  it('is kept within bounds: the first document and the newest', async () => {
    const quiet = bodyOf(held(TWO), aMetadata({ session: '' }))
    const { call, rest, recorder } = await running({ body: quiet })
    for (let number = 1; number <= 100; number += 1) {
      call.send('UPDATE', { body: `${aMetadata({ session: '' })}<!-- ${number} -->`, headers: ALONE })
      await rest()
    }
    call.send('INVITE', { body: aSessionOffer(TWO), headers: SDP })
    await rest()
    const [recorded] = recorder.calls
    const numbers = [recorded?.request.metadata, ...(recorded?.metadata ?? [])].map((version) =>
      Number(/<!-- (\d+) -->/.exec(new TextDecoder().decode(version?.xml))?.[1] ?? 0),
    )
    expect(numbers).toHaveLength(64)
    expect([numbers[0], numbers[1], numbers.at(-1)]).toEqual([0, 38, 100])
  })
})
