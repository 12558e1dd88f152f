import { createHash } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { answered, answerSdp, closeOpened, invite, open, until, willing } from '../../test/builders/sip-caller.ts'
import { type Script, ScriptedUas } from '../../test/fakes/scripted-uas.ts'
import { headerOf, type SipRequest } from '../protocol/sip/message.ts'
import { callerCodecs } from './caller-codecs.ts'
import { SipCaller } from './sip-caller.ts'
import { branchOf } from './sip-text.ts'
import { parseTarget } from './target.ts'

afterEach(closeOpened)

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
