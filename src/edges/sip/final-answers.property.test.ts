import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { aSipCore } from '../../../test/builders/sip-server.ts'
import { anOffer, type PeerCall } from '../../../test/fakes/sip-peer.ts'
import { headerOf, type SipRequest } from '../../protocol/sip/message.ts'

const METHODS = ['INVITE', 'BYE', 'UPDATE', 'OPTIONS', 'INFO', 'REFER', 'CANCEL', 'ACK', 'REGISTER'] as const

const aStep = fc.record({
  call: fc.nat({ max: 2 }),
  method: fc.constantFrom(...METHODS),
  isRepeated: fc.boolean(),
  /** Whether it says the tag of the dialog, when there is one. */
  isInDialog: fc.boolean(),
  body: fc.constantFrom('', anOffer(), anOffer({ formats: '18' }), 'nonsense'),
  waitMs: fc.constantFrom(0, 0, 100, 600, 5_000, 40_000),
  outage: fc.constantFrom('none', 'none', 'none', 'reserve', 'begin', 'reserve hangs', 'begin hangs'),
})
type Step = typeof aStep extends fc.Arbitrary<infer T> ? T : never

interface Sent {
  readonly call: PeerCall
  readonly method: string
  readonly branch: string
}

const gatesOf = (outage: Step['outage']) => {
  const [gate, hangs] = outage.split(' ')
  const fault = hangs ? new Promise<void>(() => {}) : Promise.reject(new Error('a fault of the test'))
  fault.catch(() => {})
  return gate === 'none' ? {} : { [gate as 'reserve' | 'begin']: fault }
}

const branchOf = (request: SipRequest): string => /branch=([^;]+)/.exec(headerOf(request, 'Via') ?? '')?.[1] ?? ''

const send = (server: ReturnType<typeof aSipCore>, call: PeerCall, step: Step): readonly Sent[] => {
  const { method, body } = step
  if (!step.isInDialog) call.toTag = undefined
  else if (call.finalOf(call.inviteBranch)?.status === 200) call.learn()
  if (method === 'ACK') call.ack()
  if (method === 'CANCEL') call.cancel()
  if (method === 'ACK' || method === 'CANCEL') return []
  const request = call.form(method, { body, headers: body === '' ? [] : [['Content-Type', 'application/sdp']] })
  const branch = branchOf(request)
  if (method === 'INVITE') call.noteInvite(branch)
  for (let times = step.isRepeated ? 2 : 1; times > 0; times -= 1) server.core.received(request, call.flow)
  return [{ call, method, branch }]
}

/** Statuses of the final answers of one request; repetitions of one answer count once. */
const finalsOf = ({ call, branch }: Sent): readonly number[] => [
  ...new Set(call.statusesOf(branch).filter((status) => status >= 200)),
]

describe('random sequences of requests', () => {
  it('every request but ACK gets exactly one final answer, and nothing is left at the end', async () => {
    const run = async (steps: readonly Step[], protocol: 'UDP' | 'TCP') => {
      const server = aSipCore({ limits: { callsMax: 2 } })
      const calls = Array.from({ length: 3 }, () => server.aCall(server.flowOf(protocol)))
      const sent: Sent[] = []
      for (const step of steps) {
        server.recorder.gates = gatesOf(step.outage)
        sent.push(...send(server, calls[step.call] as PeerCall, step))
        await server.timers.advance(step.waitMs)
      }
      const stopped = server.core.stop()
      await server.timers.advance(200_000)
      await stopped
      for (const each of sent) expect(finalsOf(each), `${each.method} ${each.branch}`).toHaveLength(1)
      expect(server.recorder.callCount).toBe(0)
      expect([server.timers.pendingCount, server.core.transactionCount]).toEqual([0, 0])
    }
    await fc.assert(fc.asyncProperty(fc.array(aStep, { maxLength: 25 }), fc.constantFrom('UDP', 'TCP'), run), {
      numRuns: 100,
    })
  })
})
