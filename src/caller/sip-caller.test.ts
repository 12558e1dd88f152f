import { createHash } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { type Script, ScriptedUas } from '../../test/fakes/scripted-uas.ts'
import { headerOf, type SipMessage, type SipRequest } from '../protocol/sip/message.ts'
import { callerCodecs } from './caller-codecs.ts'
import type { InviteOptions } from './invitation.ts'
import { formatSession, type LocalMedia, readSession } from './session-text.ts'
import { type CallerOptions, type InviteOutcome, SipCaller } from './sip-caller.ts'
import { branchOf, makeRequest, newBranch, tagOf } from './sip-text.ts'
import { parseTarget } from './target.ts'

/** A round trip of which every time-out is short: nothing here waits for seconds. */
const T1_MS = 20

const media = (codecs: readonly string[] = ['PCMU', 'opus']): LocalMedia => ({
  address: '127.0.0.1',
  rtpPort: 40_000,
  rtcpPort: 40_000,
  isMultiplexed: true,
  codecs: callerCodecs(codecs),
  eventType: 101,
  frameMs: 20,
})

/** What a server that takes the first codec would answer. */
const answerSdp = (codec = 'PCMU', parts: Partial<LocalMedia> = {}): string =>
  formatSession(
    { ...media([codec]), rtpPort: 50_000, rtcpPort: 50_000, ...parts },
    { sessionId: '7', version: 1, direction: 'recvonly' },
  )

/** Takes every call, and everything in it. */
const willing: Script = (request, uas) => {
  if (request.method === 'INVITE')
    return [uas.respond(request, 100), uas.accept(request, answerSdp(), [['Allow', 'INVITE, UPDATE']])]
  return request.method === 'ACK' ? [] : [uas.respond(request, 200)]
}

const opened: { close(): void }[] = []
afterEach(() => {
  for (const each of opened.splice(0)) each.close()
})

const open = async (script: Script, parts: Partial<CallerOptions> = {}, transport: 'udp' | 'tcp' = 'udp') => {
  const uas = await ScriptedUas.open(script, transport)
  const caller = await SipCaller.open({ target: parseTarget(uas.target), t1Ms: T1_MS, ...parts })
  opened.push(caller, uas)
  return { uas, caller }
}

const invite = (caller: SipCaller, parts: Partial<InviteOptions> = {}) => caller.invite({ media: media(), ...parts })

const answered = (outcome: InviteOutcome): Extract<InviteOutcome, { kind: 'answered' }> => {
  if (outcome.kind !== 'answered') throw new Error(JSON.stringify(outcome))
  return outcome
}

/** Waits until it is so; rejects when it is not in time. */
const until = async (isSo: () => boolean): Promise<void> => {
  for (const deadlineMs = performance.now() + 5000; !isSo(); ) {
    if (performance.now() > deadlineMs) throw new Error('It never came to be.')
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

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
    const bye = requestFrom(uas, 'BYE', 1, { Reason: 'Q.850;cause=16' })
    uas.send(bye)
    expect(await call.ended).toEqual({ by: 'them', reason: 'Q.850;cause=16' })
    await until(() => uas.responses.length === 1)
    // A repetition gets the same answer although the call is over.
    uas.send(bye)
    await until(() => uas.responses.length === 2)
    expect(uas.responses.map(({ status }) => status)).toEqual([200, 200])
    uas.send(requestFrom(uas, 'BYE', 2))
    await until(() => uas.responses.length === 3)
    expect(uas.responses[2]?.status).toBe(481)
  })
})

/** A request of the server within the dialog of the first INVITE it got. */
const requestFrom = (
  uas: ScriptedUas,
  method: string,
  cseq: number,
  headers: Record<string, string> = {},
): SipRequest => {
  const invite = uas.received[0] as SipRequest
  return makeRequest({
    method,
    uri: 'sip:caller@127.0.0.1',
    via: `SIP/2.0/UDP 127.0.0.1:${uas.port};branch=${newBranch()}`,
    from: `${headerOf(invite, 'To')};tag=scripted`,
    to: headerOf(invite, 'From') ?? '',
    callId: headerOf(invite, 'Call-ID') ?? '',
    cseq,
    headers: Object.entries(headers),
  })
}

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
      uas.send(requestFrom(uas, method, cseq))
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

describe('a challenge', () => {
  const PASSWORD = 'correct horse'
  const challenge = (algorithm: string) =>
    `Digest realm="poulsen", nonce="n1", opaque="o", qop="auth", algorithm=${algorithm}`
  /** Takes who proves itself by this algorithm. */
  const guarded =
    (algorithms: readonly string[], hash: string): Script =>
    (request, uas) => {
      if (request.method !== 'INVITE') return []
      const given = headerOf(request, 'Authorization')
      if (!given)
        return [
          uas.respond(request, 401, {
            headers: algorithms.map((each) => ['WWW-Authenticate', challenge(each)] as const),
          }),
        ]
      const value = (name: string) => new RegExp(`\\b${name}="?([^",]+)`).exec(given)?.[1] ?? ''
      const digest = (text: string) => createHash(hash).update(text).digest('hex')
      const ha1 = digest(`trunk:poulsen:${PASSWORD}`)
      const expected = digest(`${ha1}:n1:${value('nc')}:${value('cnonce')}:auth:${digest(`INVITE:${request.uri}`)}`)
      const isRight =
        value('response') === expected &&
        value('username') === 'trunk' &&
        value('opaque') === 'o' &&
        value('uri') === request.uri
      return isRight ? [uas.accept(request, answerSdp())] : [uas.respond(request, 403)]
    }

  it.each([
    [['SHA-256', 'MD5'], 'sha256', undefined],
    [['MD5', 'SHA-256'], 'md5', 'MD5' as const],
    [['SHA-512-256', 'MD5'], 'md5', undefined],
  ])('of %j is answered with %s', async (algorithms, hash, algorithm) => {
    const { uas, caller } = await open(guarded(algorithms, hash))
    const credentials = { username: 'trunk', password: PASSWORD, ...(algorithm && { algorithm }) }
    answered(await invite(caller, { credentials }))
    const [first, , second] = uas.received as [SipRequest, SipRequest, SipRequest]
    expect(headerOf(second, 'CSeq')).toBe('2 INVITE')
    expect(headerOf(second, 'Call-ID')).toBe(headerOf(first, 'Call-ID'))
    expect(headerOf(second, 'From')).toBe(headerOf(first, 'From'))
  })

  it('that is not met ends after one attempt', async () => {
    const { uas, caller } = await open((request, uas) =>
      request.method === 'INVITE'
        ? [uas.respond(request, 401, { headers: [['WWW-Authenticate', challenge('MD5')]] })]
        : [],
    )
    expect(await invite(caller)).toMatchObject({ kind: 'refused', status: 401 })
    expect(await invite(caller, { credentials: { username: 'a', password: 'b' } })).toMatchObject({
      kind: 'refused',
      status: 401,
    })
    expect(uas.count('INVITE')).toBe(3)
  })
})

describe('what goes wrong', () => {
  it('is refused with what the server said', async () => {
    const { caller } = await open((request, uas) =>
      request.method === 'INVITE' ? [uas.respond(request, 503, { headers: [['Retry-After', '30']] })] : [],
    )
    expect(await invite(caller)).toMatchObject({
      kind: 'refused',
      status: 503,
      reason: 'Scripted',
      retryAfterSeconds: 30,
    })
  })

  it('a session timer that is too short is asked for again as long as the server wants (422)', async () => {
    const { uas, caller } = await open((request, uas) =>
      request.method !== 'INVITE'
        ? []
        : Number(headerOf(request, 'Session-Expires')) < 90
          ? [uas.respond(request, 422, { headers: [['Min-SE', '90']] })]
          : [uas.accept(request, answerSdp())],
    )
    answered(await invite(caller, { sessionExpiresSeconds: 30 }))
    expect(headerOf(uas.received[2] as SipRequest, 'Session-Expires')).toBe('90')
    expect(headerOf(uas.received[2] as SipRequest, 'Min-SE')).toBe('90')
  })

  it('a call is cancelled once the server has said anything, and never before', async () => {
    const { uas, caller } = await open((request, uas) => {
      if (request.method === 'CANCEL')
        return [uas.respond(request, 200), uas.respond(uas.received[0] as SipRequest, 487)]
      return []
    })
    const outcome = invite(caller, { cancelAfterMs: 30 })
    await until(() => uas.count('INVITE') >= 3)
    expect(uas.count('CANCEL')).toBe(0)
    uas.send(uas.respond(uas.received[0] as SipRequest, 180))
    expect(await outcome).toEqual({ kind: 'cancelled', status: 487 })
    const cancel = uas.received.find(({ method }) => method === 'CANCEL') as SipRequest
    expect(branchOf(cancel)).toBe(branchOf(uas.received[0] as SipRequest))
    expect(headerOf(cancel, 'CSeq')).toBe('1 CANCEL')
  })

  it('an answer that is faster than the CANCEL is acknowledged and hung up', async () => {
    const { uas, caller } = await open((request, uas) => {
      if (request.method === 'INVITE') return [uas.respond(request, 180)]
      if (request.method === 'CANCEL')
        return [uas.respond(request, 200), uas.accept(uas.received[0] as SipRequest, answerSdp())]
      return request.method === 'BYE' ? [uas.respond(request, 200)] : []
    })
    expect(await invite(caller, { cancelAfterMs: 10 })).toEqual({ kind: 'cancelled', status: 200 })
    expect(uas.received.map(({ method }) => method)).toEqual(['INVITE', 'CANCEL', 'ACK', 'BYE'])
  })

  it('nobody answers before the deadline', async () => {
    const { uas, caller } = await open((request, uas) => {
      if (request.method === 'INVITE') return [uas.respond(request, 180)]
      return request.method === 'CANCEL'
        ? [uas.respond(request, 200), uas.respond(uas.received[0] as SipRequest, 487)]
        : []
    })
    expect(await invite(caller, { answerDeadlineMs: 30 })).toEqual({ kind: 'timeout' })
    expect(uas.count('CANCEL')).toBe(1)
  })

  it.each([
    ['two m-lines for one', `${answerSdp()}m=video 0 RTP/AVP 31\r\n`, /m-lines/],
    ['two codecs', answerSdp('PCMU', { codecs: callerCodecs(['PCMU', 'opus']) }), /formats 0 111 101/],
    ['a codec that was not offered', answerSdp('PCMA'), /formats 8 101/],
    ['another clock rate', answerSdp('opus').replace('48000/2', '48000'), /111 is opus\/48000/],
    ['no audio', answerSdp().replace('m=audio 50000', 'm=audio 0'), /refuses/],
    ['bare line feeds', answerSdp().replaceAll('\r\n', '\n'), /v=0/],
    ['a multicast address', answerSdp().replace('c=IN IP4 127.0.0.1', 'c=IN IP4 224.1.2.3'), /address/],
  ])('an answer with %s is hung up', async (_what, sdp, reason) => {
    const { uas, caller } = await open((request, uas) =>
      request.method === 'INVITE'
        ? [uas.accept(request, sdp)]
        : request.method === 'BYE'
          ? [uas.respond(request, 200)]
          : [],
    )
    expect(await invite(caller)).toMatchObject({ kind: 'wrong-answer', reason: expect.stringMatching(reason) })
    expect(uas.received.map(({ method }) => method)).toEqual(['INVITE', 'ACK', 'BYE'])
  })

  it('nobody listens', async () => {
    const uas = await ScriptedUas.open(willing, 'tcp')
    const target = parseTarget(uas.target)
    uas.close()
    await expect(SipCaller.open({ target })).rejects.toMatchObject({ code: 'CALL_UNREACHABLE' })
  })
})

describe('many calls over one socket', () => {
  it('keep apart', async () => {
    const { uas, caller } = await open(willing)
    const calls = await Promise.all(Array.from({ length: 200 }, () => invite(caller)))
    expect(caller.callCount).toBe(200)
    const byes = await Promise.all(calls.map((outcome) => answered(outcome).call.bye()))
    expect(byes.every((answer) => answer.kind === 'response' && answer.response.status === 200)).toBe(true)
    expect(caller.callCount).toBe(0)
    expect(uas.count('INVITE')).toBeGreaterThanOrEqual(200)
  })
})

describe('targets', () => {
  it('are one unicast address', () => {
    expect(parseTarget('sip:127.0.0.1')).toMatchObject({ address: '127.0.0.1', port: 5060, transport: 'udp' })
    expect(parseTarget('sip:rec@[::1]:5070;transport=tcp')).toEqual({
      uri: 'sip:rec@[::1]:5070;transport=tcp',
      address: '::1',
      port: 5070,
      transport: 'tcp',
    })
    expect(parseTarget('sips:localhost')).toMatchObject({ address: '127.0.0.1', port: 5061, transport: 'tls' })
    for (const wrong of [
      '',
      'sip:',
      'tel:1',
      'sip:example.com',
      'sip:224.0.0.1',
      'sip:255.255.255.255',
      'sip:0.0.0.0',
      'sip:[ff02::1]',
      'sip:[::]',
      'sip:127.0.0.1:0',
      'sip:127.0.0.1:99999',
      'sip:127.0.0.1\r\nX: y',
    ]) {
      expect(() => parseTarget(wrong), wrong).toThrow(expect.objectContaining({ code: 'CALL_INVALID' }))
    }
  })
})
