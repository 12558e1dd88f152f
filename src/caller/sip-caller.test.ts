import { afterEach, describe, expect, it } from 'vitest'
import { serverRequest } from '../../test/builders/recording-server.ts'
import {
  answered,
  answerSdp,
  closeOpened,
  invite,
  media,
  open,
  T1_MS,
  until,
  willing,
} from '../../test/builders/sip-caller.ts'
import type { Script } from '../../test/fakes/scripted-uas.ts'
import { headerOf, type SipMessage, type SipRequest } from '../protocol/sip/message.ts'
import { callerCodecs } from './caller-codecs.ts'
import { readSession } from './session-text.ts'
import { branchOf, tagOf } from './sip-text.ts'

afterEach(closeOpened)

describe.each(['udp', 'tcp'] as const)('over %s, a call', (transport) => {
  it('is offered, answered, acknowledged, and hung up', async () => {
    const { uas, caller } = await open(willing, {}, transport)
    const { call, codec, remote, provisional } = answered(await invite(caller))
    expect(codec.codec).toBe('PCMU')
    expect(remote).toMatchObject({ address: '127.0.0.1', rtpPort: 50_000, direction: 'recvonly' })
    expect(provisional).toEqual([100])
    expect(await call.bye()).toMatchObject({ kind: 'response', response: { status: 200 } })
    expect(await call.ended).toEqual({ by: 'us' })
    expect(uas.received.map(({ method }) => method)).toEqual(['INVITE', 'ACK', 'BYE'])
    const [sent, ack, bye] = uas.received as [SipRequest, SipRequest, SipRequest]
    const offer = readSession(Buffer.from(sent.body).toString())
    expect(offer).toMatchObject({
      rtpPort: 40_000,
      payloadTypes: [0, 111, 101],
      direction: 'sendrecv',
      isMultiplexed: true,
    })
    expect(headerOf(ack, 'CSeq')).toBe('1 ACK')
    expect(headerOf(bye, 'CSeq')).toBe('2 BYE')
    expect(branchOf(ack)).not.toBe(branchOf(sent))
    expect(tagOf(bye, 'To')).toBe('scripted')
    expect(bye.uri).toBe(`sip:rec@127.0.0.1:${uas.port};transport=${transport}`)
    expect(caller.callCount).toBe(0)
    expect([caller.garbledCount, caller.strayCount]).toEqual([0, 0])
  })

  it('is ended by the other side', async () => {
    const { uas, caller } = await open(willing, {}, transport)
    const { call } = answered(await invite(caller))
    const bye = serverRequest(uas, 'BYE', 1, { headers: [['Reason', 'Q.850;cause=16']] })
    uas.send(bye)
    expect(await call.ended).toEqual({ by: 'them', reason: 'Q.850;cause=16' })
    await until(() => uas.responses.length === 1)
    // A repetition gets the same answer although the call is over.
    uas.send(bye)
    await until(() => uas.responses.length === 2)
    expect(uas.responses.map(({ status }) => status)).toEqual([200, 200])
    uas.send(serverRequest(uas, 'BYE', 2))
    await until(() => uas.responses.length === 3)
    expect(uas.responses[2]?.status).toBe(481)
  })
})

describe('within a call', () => {
  it('hold, resume, move and UPDATE change the session, each in a version of its own', async () => {
    const { uas, caller } = await open(willing)
    const { call } = answered(await invite(caller))
    expect(await call.hold()).toMatchObject({ kind: 'agreed', remote: { rtpPort: 50_000 } })
    expect(await call.resume()).toMatchObject({ kind: 'agreed' })
    expect(await call.move({ ...media(), rtpPort: 41_000, rtcpPort: 41_000 })).toMatchObject({ kind: 'agreed' })
    expect(await call.update({ withSession: true })).toMatchObject({ kind: 'agreed', remote: undefined })
    const sessions = uas.received
      .filter(({ body }) => body.length > 0)
      .map(({ body }) => readSession(Buffer.from(body).toString()))
    expect(sessions).toMatchObject([
      { direction: 'sendrecv' },
      { direction: 'inactive' },
      { direction: 'sendrecv' },
      { rtpPort: 41_000 },
      { rtpPort: 41_000 },
    ])
    const versions = sessions.map((session) => ('origin' in session ? session.origin.split(' ')[2] : ''))
    expect(versions).toEqual(['1', '2', '3', '4', '5'])
    const invites = uas.received.filter(({ method }) => method === 'INVITE').length
    expect(uas.count('ACK')).toBe(invites)
  })

  it('requests of the other side are answered once each, in their order', async () => {
    const { uas, caller } = await open(willing)
    answered(await invite(caller))
    for (const [method, cseq] of [
      ['OPTIONS', 5],
      ['UPDATE', 6],
      ['REFER', 7],
      ['INFO', 4],
    ] as const)
      uas.send(serverRequest(uas, method, cseq))
    await until(() => uas.responses.length === 4)
    expect(uas.responses.map(({ status }) => status)).toEqual([200, 200, 405, 500])
  })

  it('is refreshed in time when that falls to the caller (RFC 4028)', async () => {
    const expires: Script = (request, uas) =>
      request.method === 'INVITE'
        ? [
            uas.accept(request, answerSdp(), [
              ['Session-Expires', '1;refresher=uac'],
              ['Allow', 'UPDATE'],
            ]),
          ]
        : request.method === 'ACK'
          ? []
          : [uas.respond(request, 200, { headers: [['Session-Expires', '1;refresher=uac']] })]
    const { uas, caller } = await open(expires)
    const { call } = answered(await invite(caller, { sessionExpiresSeconds: 1 }))
    await until(() => call.refreshCount === 2)
    expect(uas.count('UPDATE')).toBe(2)
    await call.bye()
  })

  it('a call that the other side no longer knows is over', async () => {
    const { caller } = await open((request, uas) =>
      request.method === 'OPTIONS' ? [uas.respond(request, 481)] : willing(request, uas),
    )
    const { call } = answered(await invite(caller))
    await call.request('OPTIONS')
    expect(await call.ended).toMatchObject({ by: 'lost' })
    expect(await call.bye()).toMatchObject({ kind: 'lost' })
  })
})

describe('a late offer', () => {
  it('is answered in the ACK with the one codec that both have', async () => {
    const { uas, caller } = await open((request, uas) =>
      request.method === 'INVITE'
        ? [uas.accept(request, answerSdp('opus', { codecs: [{ ...callerCodecs(['opus'])[0]!, payloadType: 120 }] }))]
        : [],
    )
    const { codec } = answered(await invite(caller, { hasLateOffer: true }))
    expect(codec).toMatchObject({ codec: 'opus', payloadType: 120 })
    await until(() => uas.count('ACK') === 1)
    expect(uas.received[0]?.body).toHaveLength(0)
    expect(readSession(Buffer.from(uas.received[1]?.body ?? []).toString())).toMatchObject({ payloadTypes: [120, 101] })
  })
})

describe('messages that are lost', () => {
  /** Loses the first so many of a kind. */
  const losing = (count: number, isIt: (message: SipMessage, direction: string) => boolean) => {
    let left = count
    return (message: SipMessage, direction: 'out' | 'in'): boolean => {
      if (left === 0 || !isIt(message, direction)) return false
      left -= 1
      return true
    }
  }
  const isRequest = (method: string) => (message: SipMessage) => message.kind === 'request' && message.method === method

  it('INVITE and BYE are repeated until they are answered', async () => {
    const loses = losing(3, isRequest('INVITE'))
    const { uas, caller } = await open(willing, { loses })
    const { call, afterMs } = answered(await invite(caller))
    expect(afterMs).toBeGreaterThanOrEqual(7 * T1_MS - 5)
    expect(uas.count('INVITE')).toBe(1)
    await call.bye()
  })

  it('an ACK that is lost is sent again for every 2xx that comes again', async () => {
    const loses = losing(1, isRequest('ACK'))
    const { uas, caller } = await open(willing, { loses })
    answered(await invite(caller))
    expect(uas.count('ACK')).toBe(0)
    uas.send(uas.accept(uas.received[0] as SipRequest, answerSdp()))
    await until(() => uas.count('ACK') === 1)
    expect(caller.strayCount).toBe(0)
  })

  it('the ACK of a refusal as well, in the transaction of its INVITE', async () => {
    const { uas, caller } = await open((request, uas) =>
      request.method === 'INVITE' ? [uas.respond(request, 486), uas.respond(request, 486)] : [],
    )
    expect(await invite(caller)).toMatchObject({ kind: 'refused', status: 486 })
    await until(() => uas.count('ACK') === 2)
    const [sent, ack, again] = uas.received as [SipRequest, SipRequest, SipRequest]
    expect(branchOf(ack)).toBe(branchOf(sent))
    expect(again).toEqual(ack)
  })

  it('nobody at all is a time-out, over UDP as soon as SIP says so, over TCP too', async () => {
    const { caller, uas } = await open(() => [])
    expect(await invite(caller)).toEqual({ kind: 'timeout' })
    expect(uas.count('INVITE')).toBe(7)
    expect(await caller.options()).toEqual({ kind: 'timeout' })
    const { caller: reliable, uas: other } = await open(() => [], {}, 'tcp')
    expect(await invite(reliable)).toEqual({ kind: 'timeout' })
    expect(other.count('INVITE')).toBe(1)
  })

  it('a connection that closes loses its calls and its requests', async () => {
    const { uas, caller } = await open(
      (request, uas) => (request.method === 'OPTIONS' ? [] : willing(request, uas)),
      {},
      'tcp',
    )
    const { call } = answered(await invite(caller))
    const waiting = call.request('OPTIONS')
    await until(() => uas.count('OPTIONS') === 1)
    uas.close()
    expect(await waiting).toMatchObject({ kind: 'lost' })
    expect(await call.ended).toMatchObject({ by: 'lost' })
    expect(await invite(caller)).toMatchObject({ kind: 'lost' })
  })
})
