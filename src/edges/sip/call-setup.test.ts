import { describe, expect, it } from 'vitest'
import { aRunningCall, aSipCore } from '../../../test/builders/sip-server.ts'
import { unavailable } from '../../../test/fakes/fake-call-recorder.ts'
import { anOffer } from '../../../test/fakes/sip-peer.ts'
import { headerOf } from '../../protocol/sip/message.ts'
import { legIdOf } from './leg-id.ts'

const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

describe('an INVITE', () => {
  it('is answered 100 at once, and 200 when its recording exists', async () => {
    const server = aSipCore()
    const gate = Promise.withResolvers<void>()
    server.recorder.gates.begin = gate.promise
    const call = server.aCall()
    const branch = call.invite()
    await server.timers.advance(0)
    expect(call.statusesOf(branch)).toEqual([100])
    expect(headerOf(call.responsesTo(branch)[0] ?? { headers: [] }, 'To')).toBe('<sip:rec@192.0.2.1>')
    gate.resolve()
    await server.timers.advance(0)
    expect(call.statusesOf(branch)).toEqual([100, 200])
    expect(server.telemetry.answers).toEqual(['INVITE 200'])
    expect(server.telemetry.calls).toBe(1)
  })

  it('becomes a recording of the trunk, with its identities', async () => {
    const server = aSipCore({ trunk: { legType: 'pstn', callMaxSeconds: 60 } })
    const call = await aRunningCall(server)
    expect(server.recorder.calls.map(({ request }) => request)).toEqual([
      {
        project: server.project,
        trunkId: server.trunk.id,
        leg: { type: 'pstn', id: legIdOf(call.callId) },
        track: 'inbound',
        callId: call.callId,
        from: '"A caller" <sip:alice@peer.example.com>',
        to: '<sip:rec@192.0.2.1>',
        startedAtMs: server.timers.nowMs(),
        maxSeconds: 60,
        streams: [
          {
            format: { codec: 'PCMU', payloadType: 0, clockRateHz: 8000, channels: 1 },
            eventTypes: [101],
            comfortNoiseTypes: [],
            remote: { address: '192.0.2.10', rtpPort: 20_000, rtcpPort: 20_001 },
            isRtcpMultiplexed: false,
            isHeld: false,
          },
        ],
      },
    ])
  })

  it('is answered with the SDP, Contact, and what is understood here', async () => {
    const server = aSipCore()
    const call = server.aCall()
    call.invite({ headers: [['Record-Route', '<sip:p1.example.com;lr>, <sip:p2.example.com;lr>']] })
    await server.timers.advance(0)
    const answer = call.learn()
    expect(headerOf(answer, 'Contact')).toBe('<sip:poulsen@192.0.2.1:5060>')
    expect(headerOf(answer, 'Record-Route')).toBe('<sip:p1.example.com;lr>, <sip:p2.example.com;lr>')
    expect(headerOf(answer, 'Allow')).toBe('INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO')
    expect(headerOf(answer, 'Content-Type')).toBe('application/sdp')
    expect(textOf(answer.body)).toMatch(/^m=audio 40000 RTP\/AVP 0 101\r$/m)
    expect(textOf(answer.body)).toMatch(/^c=IN IP4 192\.0\.2\.1\r$/m)
    expect(call.toTag).toMatch(/^[0-9a-f]{32}$/)
  })

  it('says how it is reached over TCP, and at a sips URI over TLS', async () => {
    const server = aSipCore()
    const tcp = server.aCall(server.flowOf('TCP'))
    tcp.invite()
    const tls = server.aCall(server.flowOf('TLS'))
    tls.invite({ uri: 'sips:rec@192.0.2.1' })
    await server.timers.advance(0)
    expect(headerOf(tcp.learn(), 'Contact')).toBe('<sip:poulsen@192.0.2.1:5060;transport=tcp>')
    expect(headerOf(tls.learn(), 'Contact')).toBe('<sips:poulsen@192.0.2.1:5060>')
  })

  it('takes the trunk codecs only', async () => {
    const server = aSipCore({ trunk: { codecs: ['PCMA'] } })
    const call = await aRunningCall(server)
    expect(server.recorder.calls[0]?.request.streams[0]?.format.codec).toBe('PCMA')
    expect(textOf(call.learn().body)).toMatch(/^m=audio 40000 RTP\/AVP 8 101\r$/m)
  })

  it.each([
    ['no codec of ours', anOffer({ formats: '18' }), 488],
    ['nothing but video', anOffer().replace('m=audio', 'm=video'), 488],
    ['an offer that cannot be read', 'nonsense', 400],
  ])('with %s gets %s', async (_what, body, status) => {
    const server = aSipCore()
    const call = server.aCall()
    const branch = call.invite({ body })
    await server.timers.advance(0)
    expect(call.statusesOf(branch)).toEqual([100, status])
    expect([server.recorder.reserved.size, server.telemetry.calls]).toEqual([0, 0])
    expect(server.telemetry.reports).toMatchObject([{ outcome: 'refused', status, durationMs: 0 }])
  })

  it.each([
    ['CAPTURE_BUSY', '5'],
    ['CAPTURE_STOPPING', '30'],
    ['CAPTURE_DISK_FULL', '60'],
  ])('gets 503 when capture says %s', async (code, seconds) => {
    for (const gate of ['reserve', 'begin'] as const) {
      const server = aSipCore()
      const refusal = Promise.reject(unavailable(code))
      refusal.catch(() => {})
      server.recorder.gates[gate] = refusal
      const call = server.aCall()
      const branch = call.invite()
      await server.timers.advance(0)
      expect(call.statusesOf(branch)).toEqual([100, 503])
      expect(headerOf(call.finalOf(branch) ?? { headers: [] }, 'Retry-After')).toBe(seconds)
      expect([server.recorder.reserved.size, server.telemetry.calls]).toEqual([0, 0])
      expect(server.telemetry.reports).toMatchObject([{ outcome: 'refused', status: 503, error: { code } }])
    }
  })

  it('gets 500 when something fails that nobody expected', async () => {
    const server = aSipCore()
    const fault = Promise.reject(new Error('a fault of the test'))
    fault.catch(() => {})
    server.recorder.gates.begin = fault
    const call = server.aCall()
    const branch = call.invite()
    await server.timers.advance(0)
    expect(call.statusesOf(branch)).toEqual([100, 500])
    expect(server.telemetry.reports).toMatchObject([{ outcome: 'refused', error: { message: 'a fault of the test' } }])
  })

  it('gets 503 at the deadline when the recorder hangs, and what comes later is undone', async () => {
    for (const gate of ['reserve', 'begin'] as const) {
      const server = aSipCore()
      const late = Promise.withResolvers<void>()
      server.recorder.gates[gate] = late.promise
      const call = server.aCall()
      const branch = call.invite()
      await server.timers.advance(20_000)
      expect(call.statusesOf(branch).filter((status) => status > 100)).toContain(503)
      late.resolve()
      await server.timers.advance(0)
      expect([server.recorder.reserved.size, server.recorder.callCount, server.telemetry.calls]).toEqual([0, 0, 0])
      expect(new Set(call.statusesOf(branch))).toEqual(new Set([100, 503]))
    }
  })

  it('is answered once however often it comes', async () => {
    const server = aSipCore()
    const call = server.aCall()
    const invite = call.form('INVITE', { body: anOffer(), headers: [['Content-Type', 'application/sdp']] })
    for (let times = 0; times < 3; times += 1) {
      server.core.received(invite, call.flow)
      await server.timers.advance(0)
    }
    expect(call.flow.sent.map((each) => each.kind === 'response' && each.status)).toEqual([100, 200])
    expect(server.recorder.calls.length).toBe(1)
  })

  it('that came by two ways is refused the second time (RFC 3261 §8.2.2.2)', async () => {
    const server = aSipCore()
    const call = server.aCall()
    call.invite({ sequence: 7 })
    const second = call.invite({ sequence: 7 })
    await server.timers.advance(0)
    expect(call.statusesOf(second)).toEqual([482])
    expect(server.recorder.calls.length).toBe(1)
  })

  it('may bring its SDP within a multipart body, beside what may be ignored', async () => {
    const server = aSipCore()
    const call = server.aCall()
    const body = [
      '--b1',
      'Content-Type: application/rs-metadata+xml',
      'Content-Disposition: recording-session;handling=optional',
      '',
      '<recording/>',
      '--b1',
      'Content-Type: application/sdp',
      '',
      anOffer(),
      '--b1--',
      '',
    ].join('\r\n')
    const branch = call.send('INVITE', { body, headers: [['Content-Type', 'multipart/mixed;boundary=b1']] })
    await server.timers.advance(0)
    expect(call.statusesOf(branch)).toEqual([100, 200])
  })

  it.each([
    ['a body of another type', [['Content-Type', 'text/plain']], 'hello', 415, 'Accept'],
    [
      'a coded body',
      [
        ['Content-Type', 'application/sdp'],
        ['Content-Encoding', 'gzip'],
      ],
      'x',
      415,
      'Accept-Encoding',
    ],
    ['a body without a type', [], 'x', 400, undefined],
  ] as const)('with %s gets %i', async (_what, headers, body, status, header) => {
    const server = aSipCore()
    const call = server.aCall()
    const branch = call.send('INVITE', { headers, body })
    await server.timers.advance(0)
    expect(call.statusesOf(branch)).toEqual([100, status])
    if (header) expect(headerOf(call.finalOf(branch) ?? { headers: [] }, header)).toBeDefined()
  })

  it('with an optional body that nobody knows is answered with an offer', async () => {
    const server = aSipCore()
    const call = server.aCall()
    const headers = [
      ['Content-Type', 'text/plain'],
      ['Content-Disposition', 'render; handling=optional'],
    ] as const
    call.send('INVITE', { headers, body: 'hello' })
    await server.timers.advance(0)
    expect(textOf(call.learn().body)).toMatch(/^m=audio 40000 /m)
  })

  it('needs a Contact', async () => {
    const server = aSipCore()
    const call = server.aCall()
    const branch = call.invite({ headers: [['Contact', 'nonsense']] })
    await server.timers.advance(0)
    expect(call.statusesOf(branch)).toEqual([100, 400])
  })
})

describe('an INVITE without an offer (RFC 3261 §13.2.1)', () => {
  it('gets one, and is recorded as its ACK answers', async () => {
    const server = aSipCore()
    const call = server.aCall()
    call.invite({ body: '' })
    await server.timers.advance(0)
    expect(textOf(call.learn().body)).toMatch(/^m=audio 40000 RTP\/AVP 0 8 9 /m)
    expect(server.recorder.calls.length).toBe(0)
    call.ack({ body: anOffer({ formats: '8' }), headers: [['Content-Type', 'application/sdp']] })
    await server.timers.advance(0)
    expect(server.recorder.calls[0]?.request.streams[0]).toMatchObject({
      format: { codec: 'PCMA', payloadType: 8 },
      remote: { address: '192.0.2.10', rtpPort: 20_000 },
    })
  })

  it.each([
    ['no answer', ''],
    ['an answer that cannot be read', 'nonsense'],
    ['a refusal of all', anOffer({ port: 0 })],
  ])('ends when its ACK brings %s', async (_what, body) => {
    const server = aSipCore()
    const call = server.aCall()
    call.invite({ body: '' })
    await server.timers.advance(0)
    call.learn()
    call.ack({ body, headers: body === '' ? [] : [['Content-Type', 'application/sdp']] })
    await server.timers.advance(0)
    expect(call.requests('BYE').length).toBe(1)
    expect([server.recorder.calls.length, server.recorder.reserved.size]).toEqual([0, 0])
    expect(server.telemetry.reports).toMatchObject([{ outcome: 'recorded', endReason: 'signalling_lost' }])
  })

  it('ends when the recording cannot begin', async () => {
    const server = aSipCore()
    const call = server.aCall()
    call.invite({ body: '' })
    await server.timers.advance(0)
    call.learn()
    const refusal = Promise.reject(unavailable('CATALOGUE_UNAVAILABLE'))
    refusal.catch(() => {})
    server.recorder.gates.begin = refusal
    call.ack({ body: anOffer(), headers: [['Content-Type', 'application/sdp']] })
    await server.timers.advance(0)
    expect(call.requests('BYE').length).toBe(1)
    expect(server.recorder.reserved.size).toBe(0)
    expect(server.telemetry.reports).toMatchObject([{ error: { code: 'CATALOGUE_UNAVAILABLE' } }])
  })
})

describe('CANCEL (RFC 3261 §9.2)', () => {
  it('ends an INVITE that has no answer, wherever its work is', async () => {
    for (const gate of ['reserve', 'begin'] as const) {
      const server = aSipCore()
      const held = Promise.withResolvers<void>()
      server.recorder.gates[gate] = held.promise
      const call = server.aCall()
      const branch = call.invite()
      await server.timers.advance(0)
      call.cancel()
      expect(
        call.flow.sent.map((each) => each.kind === 'response' && `${each.status} ${headerOf(each, 'CSeq')}`),
      ).toEqual(['100 1 INVITE', '200 1 CANCEL', '487 1 INVITE'])
      call.ack()
      held.resolve()
      await server.timers.advance(60_000)
      expect(call.statusesOf(branch)).toEqual([100, 487])
      expect([server.recorder.reserved.size, server.recorder.callCount, server.core.transactionCount]).toEqual([
        0, 0, 0,
      ])
      expect(server.telemetry.reports).toMatchObject([{ outcome: 'cancelled', status: 487 }])
      expect(server.timers.pendingCount).toBe(0)
    }
  })

  it('changes nothing when the call has been answered', async () => {
    const server = aSipCore()
    const call = server.aCall()
    const branch = call.invite()
    await server.timers.advance(0)
    call.learn()
    call.cancel()
    call.ack()
    await server.timers.advance(0)
    expect(
      call.flow.sent.map((each) => each.kind === 'response' && `${each.status} ${headerOf(each, 'CSeq')}`),
    ).toEqual(['100 1 INVITE', '200 1 INVITE', '200 1 CANCEL'])
    expect(call.finalOf(branch)?.status).toBe(200)
    expect(server.recorder.callCount).toBe(1)
  })

  it('of nothing gets 481', async () => {
    const server = aSipCore()
    const call = server.aCall()
    call.send('CANCEL', { sequence: 1 })
    await server.timers.advance(0)
    expect(call.flow.sent.map((each) => each.kind === 'response' && each.status)).toEqual([481])
  })

  it('before the trunk is known ends the call, too', async () => {
    const server = aSipCore()
    const call = server.aCall()
    const branch = call.invite()
    call.cancel()
    await server.timers.advance(0)
    expect(call.finalOf(branch)?.status).toBe(487)
    call.ack()
    expect([server.recorder.reserved.size, server.recorder.callCount]).toEqual([0, 0])
  })
})
