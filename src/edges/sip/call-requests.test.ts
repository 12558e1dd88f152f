import { describe, expect, it } from 'vitest'
import { aRunningCall, aSipCore } from '../../../test/builders/sip-server.ts'
import { anOffer } from '../../../test/fakes/sip-peer.ts'
import { headerOf } from '../../protocol/sip/message.ts'

const SDP = [['Content-Type', 'application/sdp']] as const
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

describe('BYE (RFC 3261 §15.1.2)', () => {
  it('is answered at once and ends the recording', async () => {
    const server = aSipCore()
    const call = await aRunningCall(server)
    await server.timers.advance(5_000)
    const branch = call.send('BYE')
    await server.timers.advance(0)
    expect(call.statusesOf(branch)).toEqual([200])
    expect(server.recorder.calls[0]?.endReason).toBe('hangup')
    expect(server.telemetry.reports).toEqual([
      {
        outcome: 'recorded',
        status: 200,
        callId: call.callId,
        legId: server.recorder.calls[0]?.request.leg.id,
        trunkId: server.trunk.id,
        projectId: server.project.id,
        transport: 'UDP',
        recordingId: server.recorder.calls[0]?.recordingId,
        endReason: 'hangup',
        setUpMs: 0,
        durationMs: 5_000,
      },
    ])
    await server.timers.advance(60_000)
    expect([call.requests().length, server.core.transactionCount, server.timers.pendingCount]).toEqual([0, 0, 0])
    expect([call.flow.retainers, server.telemetry.calls]).toEqual([0, 0])
  })

  it('before the ACK ends the call as well, and the 200 is no longer repeated', async () => {
    const server = aSipCore()
    const call = server.aCall()
    const branch = call.invite()
    await server.timers.advance(0)
    call.learn()
    const bye = call.send('BYE')
    await server.timers.advance(60_000)
    expect([call.statusesOf(branch), call.statusesOf(bye)]).toEqual([[100, 200], [200]])
    expect(call.requests().length).toBe(0)
    expect(server.timers.pendingCount).toBe(0)
  })

  it('is answered the same again when it comes again', async () => {
    const server = aSipCore()
    const call = await aRunningCall(server)
    const bye = call.form('BYE')
    for (let times = 0; times < 3; times += 1) {
      server.core.received(bye, call.flow)
      await server.timers.advance(0)
    }
    expect(call.flow.sent.slice(2).map((each) => each.kind === 'response' && each.status)).toEqual([200, 200, 200])
    expect(server.telemetry.answers).toEqual(['INVITE 200', 'BYE 200'])
    expect(server.telemetry.reports.length).toBe(1)
  })

  it('of no call gets 481', async () => {
    const server = aSipCore()
    const call = server.aCall()
    call.toTag = 'unknown'
    expect(call.statusesOf(call.send('BYE'))).toEqual([481])
  })
})

describe('re-INVITE and UPDATE (RFC 3261 §14.2, RFC 3311 §5.2)', () => {
  it.each(['INVITE', 'UPDATE'])('%s: hold, another address, resume', async (method) => {
    const server = aSipCore()
    const call = await aRunningCall(server)
    const held = call.send(method, { headers: SDP, body: anOffer({ direction: 'sendonly' }) })
    await server.timers.advance(0)
    if (method === 'INVITE') call.ack()
    const resumed = call.send(method, { headers: SDP, body: anOffer({ address: '192.0.2.11', port: 21_000 }) })
    await server.timers.advance(0)
    if (method === 'INVITE') call.ack()
    expect([call.statusesOf(held), call.statusesOf(resumed)]).toEqual([[200], [200]])
    expect(textOf(call.finalOf(held)?.body ?? new Uint8Array())).toMatch(/^a=recvonly\r$/m)
    const updates = server.recorder.calls[0]?.updates.map(([stream]) => [stream?.isHeld, stream?.remote.address])
    expect(updates).toEqual([
      [true, '192.0.2.10'],
      [false, '192.0.2.11'],
    ])
    await server.timers.advance(60_000)
    expect(call.requests().length).toBe(0)
  })

  it.each(['inactive', 'recvonly'])('holds by %s', async (direction) => {
    const server = aSipCore()
    const call = await aRunningCall(server)
    call.send('UPDATE', { headers: SDP, body: anOffer({ direction }) })
    await server.timers.advance(0)
    expect(server.recorder.calls[0]?.updates[0]?.[0]?.isHeld).toBe(true)
  })

  it('of a call that only ever sent is no hold', async () => {
    const server = aSipCore()
    const call = await aRunningCall(server, { body: anOffer({ direction: 'sendonly' }) })
    call.send('UPDATE', { headers: SDP, body: anOffer({ direction: 'sendonly' }) })
    await server.timers.advance(0)
    expect(server.recorder.calls[0]?.request.streams[0]?.isHeld).toBe(false)
    expect(server.recorder.calls[0]?.updates[0]?.[0]?.isHeld).toBe(false)
  })

  it('keeps the session and raises its version (RFC 3264 §8)', async () => {
    const server = aSipCore()
    const call = await aRunningCall(server)
    const first = /^o=\S+ (\d+) (\d+)/m.exec(textOf(call.learn().body))
    call.send('UPDATE', { headers: SDP, body: anOffer() })
    await server.timers.advance(0)
    const answer = call.flow.sent.at(-1)
    const second = /^o=\S+ (\d+) (\d+)/m.exec(textOf(answer?.body ?? new Uint8Array()))
    expect(second?.[1]).toBe(first?.[1])
    expect(Number(second?.[2])).toBe(Number(first?.[2]) + 1)
  })

  it.each([
    ['drops the codec in use', anOffer({ formats: '8' }), 488],
    ['cannot be read', 'nonsense', 400],
  ])('that %s gets refused, and the call goes on', async (_what, body, status) => {
    const server = aSipCore()
    const call = await aRunningCall(server)
    const branch = call.send('INVITE', { headers: SDP, body })
    await server.timers.advance(0)
    expect(call.statusesOf(branch)).toEqual([status])
    call.ack()
    expect(server.recorder.calls[0]?.updates).toEqual([])
    expect(server.recorder.callCount).toBe(1)
  })

  it('without an offer gets what is agreed, and its ACK counts', async () => {
    const server = aSipCore()
    const call = await aRunningCall(server)
    const branch = call.send('INVITE')
    await server.timers.advance(0)
    expect(textOf(call.finalOf(branch)?.body ?? new Uint8Array())).toMatch(/^m=audio 40000 RTP\/AVP 0 /m)
    const glare = [
      call.send('UPDATE', { headers: SDP, body: anOffer() }),
      call.send('INVITE', { headers: SDP, body: anOffer(), branch: 'z9hG4bKglare' }),
    ]
    await server.timers.advance(0)
    expect(glare.map((each) => call.statusesOf(each))).toEqual([[491], [491]])
    call.send('ACK', { sequence: call.inviteSequence - 2, headers: SDP, body: anOffer({ port: 22_000 }) })
    await server.timers.advance(0)
    expect(server.recorder.calls[0]?.updates[0]?.[0]?.remote.rtpPort).toBe(22_000)
  })

  it('moves the remote target (RFC 3261 §12.2.2)', async () => {
    const server = aSipCore()
    const call = await aRunningCall(server)
    call.send('UPDATE', { headers: [['Contact', '<sip:bob@192.0.2.44:5099>']] })
    await server.timers.advance(0)
    await server.recorder.calls[0]?.end('media_timeout')
    await server.timers.advance(0)
    expect(call.requests('BYE')[0]?.uri).toBe('sip:bob@192.0.2.44:5099')
    expect(call.flow.targets.at(-1)).toEqual({ address: '192.0.2.44', port: 5099 })
  })

  it('out of order gets 500 and a time to wait (RFC 3261 §12.2.2)', async () => {
    const server = aSipCore()
    const call = await aRunningCall(server)
    const branch = call.send('UPDATE', { sequence: 1 })
    await server.timers.advance(0)
    expect(call.statusesOf(branch)).toEqual([500])
    const seconds = Number(headerOf(call.finalOf(branch) ?? { headers: [] }, 'Retry-After'))
    expect(seconds >= 0 && seconds <= 10).toBe(true)
  })
})

describe('other requests in a call', () => {
  it('INFO gets 200, whatever it brings', async () => {
    const server = aSipCore()
    const call = await aRunningCall(server)
    const branch = call.send('INFO', { headers: [['Content-Type', 'application/dtmf-relay']], body: 'Signal=4' })
    await server.timers.advance(0)
    expect(call.statusesOf(branch)).toEqual([200])
    expect(JSON.stringify(server.telemetry)).not.toContain('Signal')
  })

  it('OPTIONS gets 200 with what is understood here', async () => {
    const server = aSipCore()
    const call = await aRunningCall(server)
    const branch = call.send('OPTIONS')
    await server.timers.advance(0)
    expect(call.statusesOf(branch)).toEqual([200])
  })

  it.each(['REFER', 'MESSAGE', 'SUBSCRIBE', 'PRACK', 'NOTIFY'])('%s gets 405 with Allow', async (method) => {
    const server = aSipCore()
    const call = await aRunningCall(server)
    const branch = call.send(method)
    await server.timers.advance(0)
    expect(call.statusesOf(branch)).toEqual([405])
    expect(headerOf(call.finalOf(branch) ?? { headers: [] }, 'Allow')).toContain('INVITE')
  })

  it('of another caller with the same Call-ID get 481', async () => {
    const server = aSipCore()
    const call = await aRunningCall(server)
    const stranger = server.aCall(server.flowOf(), call.callId)
    stranger.toTag = call.toTag
    expect(stranger.statusesOf(stranger.send('BYE', { sequence: 9 }))).toEqual([481])
    expect(server.recorder.callCount).toBe(1)
  })
})
