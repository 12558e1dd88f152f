import { describe, expect, it } from 'vitest'
import { FakeTimers } from '../../../test/fakes/fake-timers.ts'
import type { SipRequest, SipResponse } from '../../protocol/sip/message.ts'
import { AcceptedAnswer } from './accepted-answer.ts'
import { ClientTransaction } from './client-transaction.ts'
import { InviteTransaction } from './invite-transaction.ts'
import { NonInviteTransaction } from './non-invite-transaction.ts'
import { T1_MS, T4_MS, TRANSACTION_TIMEOUT_MS } from './timers.ts'

const aRequest = (method: string): SipRequest => ({
  kind: 'request',
  method,
  uri: 'sip:rec@127.0.0.1',
  headers: [],
  body: new Uint8Array(),
})
const aResponse = (status: number): SipResponse => ({
  kind: 'response',
  status,
  reason: '',
  headers: [],
  body: new Uint8Array(),
})

/** Milliseconds after which a message goes out again when nobody answers, up to 64·T1. */
const REPEATS = [500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500]

const setUp = (method: 'INVITE' | 'OPTIONS', isReliable = false) => {
  const timers = new FakeTimers()
  const startMs = timers.nowMs()
  const sent: [atMs: number, status: number][] = []
  let ends = 0
  const Transaction = method === 'INVITE' ? InviteTransaction : NonInviteTransaction
  const transaction = new Transaction({
    request: aRequest(method),
    isReliable,
    timers,
    send: ({ status }) => sent.push([timers.nowMs() - startMs, status]),
    onTerminated: () => {
      ends += 1
    },
  })
  return { timers, sent, transaction, ends: () => ends }
}

describe('INVITE server transaction (RFC 3261 §17.2.1)', () => {
  it('repeats a refusal over UDP by timer G, until timer H', async () => {
    const { timers, sent, transaction, ends } = setUp('INVITE')
    transaction.respond(aResponse(486))
    await timers.advance(TRANSACTION_TIMEOUT_MS - 1)
    expect(sent).toEqual([0, ...REPEATS].map((atMs) => [atMs, 486]))
    expect(ends()).toBe(0)
    await timers.advance(1)
    expect([ends(), timers.pendingCount]).toEqual([1, 0])
  })

  it('stops at the ACK, and absorbs others for timer I', async () => {
    const { timers, sent, transaction, ends } = setUp('INVITE')
    transaction.respond(aResponse(486))
    await timers.advance(T1_MS)
    transaction.receive(aRequest('ACK'))
    transaction.receive(aRequest('ACK'))
    transaction.receive(aRequest('INVITE'))
    await timers.advance(T4_MS - 1)
    expect([sent.length, ends()]).toEqual([2, 0])
    await timers.advance(1)
    expect([sent.length, ends(), timers.pendingCount]).toEqual([2, 1, 0])
  })

  it('sends a refusal once over TCP, and ends with its ACK', async () => {
    const { timers, sent, transaction, ends } = setUp('INVITE', true)
    transaction.respond(aResponse(486))
    await timers.advance(20_000)
    expect(sent).toEqual([[0, 486]])
    transaction.receive(aRequest('ACK'))
    expect([ends(), timers.pendingCount]).toEqual([1, 0])
  })

  it('answers a repeated INVITE with what it has said last', async () => {
    const { sent, transaction } = setUp('INVITE')
    transaction.receive(aRequest('INVITE'))
    transaction.respond(aResponse(100))
    transaction.receive(aRequest('INVITE'))
    transaction.respond(aResponse(486))
    transaction.receive(aRequest('INVITE'))
    expect(sent.map(([, status]) => status)).toEqual([100, 100, 486, 486])
  })

  it('leaves the repeating of a 2xx to others, and absorbs INVITEs for timer L (RFC 6026 §7.1)', async () => {
    const { timers, sent, transaction, ends } = setUp('INVITE')
    transaction.respond(aResponse(200))
    await timers.advance(TRANSACTION_TIMEOUT_MS - 1)
    transaction.receive(aRequest('INVITE'))
    transaction.receive(aRequest('ACK'))
    expect([sent, ends()]).toEqual([[[0, 200]], 0])
    await timers.advance(1)
    expect([ends(), timers.pendingCount]).toEqual([1, 0])
  })

  it('has one final answer', () => {
    const { sent, transaction } = setUp('INVITE')
    for (const status of [100, 487, 200, 180]) transaction.respond(aResponse(status))
    transaction.respondOnce(aResponse(403))
    expect(sent.map(([, status]) => status)).toEqual([100, 487])
  })

  it('is forgotten at once when its peer must not cost memory', () => {
    const { timers, sent, transaction, ends } = setUp('INVITE')
    transaction.respondOnce(aResponse(403))
    expect([sent, ends(), timers.pendingCount]).toEqual([[[0, 403]], 1, 0])
  })
})

describe('non-INVITE server transaction (RFC 3261 §17.2.2)', () => {
  it('answers repetitions as it has answered, until timer J', async () => {
    const { timers, sent, transaction, ends } = setUp('OPTIONS')
    transaction.receive(aRequest('OPTIONS'))
    transaction.respond(aResponse(100))
    transaction.respond(aResponse(200))
    transaction.respond(aResponse(500))
    await timers.advance(TRANSACTION_TIMEOUT_MS - 1)
    transaction.receive(aRequest('OPTIONS'))
    expect(sent).toEqual([
      [0, 200],
      [TRANSACTION_TIMEOUT_MS - 1, 200],
    ])
    await timers.advance(1)
    expect([ends(), timers.pendingCount]).toEqual([1, 0])
  })

  it('ends with its answer over TCP', () => {
    const { timers, transaction, ends } = setUp('OPTIONS', true)
    transaction.respond(aResponse(200))
    expect([ends(), timers.pendingCount]).toEqual([1, 0])
  })
})

const aClient = (isReliable: boolean, sends: (attempt: number) => boolean = () => true) => {
  const timers = new FakeTimers()
  const startMs = timers.nowMs()
  const sent: number[] = []
  let ends = 0
  const transaction = new ClientTransaction({
    timers,
    isReliable,
    send: () => sends(sent.push(timers.nowMs() - startMs)),
    onTerminated: () => {
      ends += 1
    },
  })
  return { timers, sent, transaction, ends: () => ends }
}

describe('non-INVITE client transaction (RFC 3261 §17.1.2)', () => {
  it('repeats over UDP by timer E, and gives up at timer F', async () => {
    const { timers, sent, transaction, ends } = aClient(false)
    await timers.advance(TRANSACTION_TIMEOUT_MS)
    expect(await transaction.outcome).toBe('timeout')
    expect(sent).toEqual([0, ...REPEATS])
    expect([ends(), timers.pendingCount]).toEqual([1, 0])
  })

  it('repeats every T2 once there is a provisional answer', async () => {
    const { timers, sent, transaction } = aClient(false)
    transaction.receive(aResponse(100))
    await timers.advance(10_000)
    expect(sent).toEqual([0, 500, 4500, 8500])
  })

  it('gives the final answer, and absorbs others for timer K', async () => {
    const { timers, sent, transaction, ends } = aClient(false)
    transaction.receive(aResponse(481))
    transaction.receive(aResponse(200))
    expect(await transaction.outcome).toMatchObject({ status: 481 })
    await timers.advance(T4_MS - 1)
    expect([sent, ends()]).toEqual([[0], 0])
    await timers.advance(1)
    expect([ends(), timers.pendingCount]).toEqual([1, 0])
  })

  it('sends once over TCP, and learns at once that the connection is broken', async () => {
    const { timers, sent, transaction, ends } = aClient(true)
    await timers.advance(5_000)
    transaction.receive(aResponse(200))
    expect([sent, ends(), timers.pendingCount]).toEqual([[0], 1, 0])
    const broken = aClient(true, () => false)
    await broken.timers.advance(0)
    expect(await broken.transaction.outcome).toBe('timeout')
    expect([broken.ends(), broken.timers.pendingCount]).toEqual([1, 0])
  })
})

describe('a 2xx that waits for its ACK (RFC 3261 §13.3.1.4)', () => {
  const setUpAnswer = () => {
    const timers = new FakeTimers()
    const startMs = timers.nowMs()
    const sent: number[] = []
    let losses = 0
    const answer = new AcceptedAnswer({
      timers,
      send: () => sent.push(timers.nowMs() - startMs),
      onLost: () => {
        losses += 1
      },
    })
    return { timers, sent, answer, losses: () => losses }
  }

  it('is repeated until it is given up', async () => {
    const { timers, sent, answer, losses } = setUpAnswer()
    await timers.advance(TRANSACTION_TIMEOUT_MS)
    expect(sent).toEqual(REPEATS)
    expect([answer.isWaiting, losses(), timers.pendingCount]).toEqual([false, 1, 0])
  })

  it('is not repeated after its ACK', async () => {
    const { timers, sent, answer, losses } = setUpAnswer()
    await timers.advance(600)
    answer.acknowledge()
    await timers.advance(TRANSACTION_TIMEOUT_MS)
    expect([sent, answer.isWaiting, losses(), timers.pendingCount]).toEqual([[500], false, 0, 0])
  })
})
