import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { aRunningCall, aSipCore } from '../../../test/builders/sip-server.ts'
import { anOffer, type PeerCall } from '../../../test/fakes/sip-peer.ts'
import { formatSipMessage } from '../../protocol/sip/format-message.ts'
import { parseSipMessage } from '../../protocol/sip/parse-message.ts'

const METHODS = ['INVITE', 'BYE', 'UPDATE', 'OPTIONS', 'INFO', 'CANCEL', 'ACK', 'REGISTER'] as const

/** What is done to bytes: some are replaced, a piece is cut out or said twice. */
const aMutation = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  kind: fc.constantFrom('replace', 'cut', 'double', 'none'),
  bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }),
  length: fc.nat({ max: 40 }),
})
type Mutation = typeof aMutation extends fc.Arbitrary<infer T> ? T : never

const mutate = (bytes: Uint8Array, { at, kind, bytes: others, length }: Mutation): Uint8Array => {
  const from = Math.floor(at * bytes.length)
  const [head, piece, tail] = [
    bytes.subarray(0, from),
    bytes.subarray(from, from + length),
    bytes.subarray(from + length),
  ]
  if (kind === 'none') return bytes
  if (kind === 'cut') return Buffer.concat([head, tail])
  if (kind === 'double') return Buffer.concat([head, piece, piece, tail])
  return Buffer.concat([head, others, bytes.subarray(from + others.length)])
}

const feed = (server: ReturnType<typeof aSipCore>, call: PeerCall, bytes: Uint8Array): void => {
  const parsed = parseSipMessage(bytes)
  if (parsed.kind === 'refusal') server.core.refused(parsed, call.flow)
  else server.core.received(parsed, call.flow)
}

const aPacket = fc.record({
  method: fc.constantFrom(...METHODS),
  isInDialog: fc.boolean(),
  body: fc.constantFrom('', anOffer()),
  mutations: fc.array(aMutation, { maxLength: 4 }),
})

describe('spoilt messages', () => {
  it('break nothing, and the call beside them goes on', async () => {
    const run = async (packets: readonly (typeof aPacket extends fc.Arbitrary<infer T> ? T : never)[]) => {
      const server = aSipCore()
      const running = await aRunningCall(server)
      const spoilt = await aRunningCall(server)
      for (const { method, isInDialog, body, mutations } of packets) {
        const call = isInDialog ? spoilt : server.aCall(spoilt.flow)
        const request = call.form(method, { body, headers: body === '' ? [] : [['Content-Type', 'application/sdp']] })
        feed(server, call, mutations.reduce(mutate, formatSipMessage(request)))
        await server.timers.advance(0)
      }
      const bye = running.send('BYE')
      await server.timers.advance(0)
      expect([running.statusesOf(bye), server.recorder.calls[0]?.endReason]).toEqual([[200], 'hangup'])
      const stopped = server.core.stop()
      await server.timers.advance(200_000)
      await stopped
      expect([server.recorder.callCount, server.timers.pendingCount, server.core.transactionCount]).toEqual([0, 0, 0])
    }
    await fc.assert(fc.asyncProperty(fc.array(aPacket, { maxLength: 30 }), run), { numRuns: 100 })
  })

  it('of random bytes get at most one answer', async () => {
    const server = aSipCore()
    const call = server.aCall()
    const property = fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      const before = call.flow.sent.length
      feed(server, call, bytes)
      expect(call.flow.sent.length - before).toBeLessThanOrEqual(1)
    })
    fc.assert(property, { numRuns: 500 })
  })
})
