import { describe, expect, it } from 'vitest'
import { aRunningCall, aSipCore } from '../../../test/builders/sip-server.ts'
import { headerOf } from '../../protocol/sip/message.ts'

describe('our BYE', () => {
  it.each([
    'media_timeout',
    'max_length',
    'disk_full',
    'deleted',
  ] as const)('follows when a recording ends by itself: %s', async (reason) => {
    const server = aSipCore()
    const call = await aRunningCall(server)
    await server.recorder.calls[0]?.end(reason)
    await server.timers.advance(0)
    const [bye] = call.requests('BYE')
    expect(bye && [headerOf(bye, 'CSeq'), headerOf(bye, 'Call-ID')]).toEqual(['1 BYE', call.callId])
    expect(bye && headerOf(bye, 'From')).toBe(`<sip:rec@192.0.2.1>;tag=${call.toTag}`)
    expect(bye && headerOf(bye, 'To')).toBe(`"A caller" <sip:alice@peer.example.com>;tag=${call.fromTag}`)
    if (bye) call.respond(bye, 200)
    await server.timers.advance(60_000)
    expect(call.requests('BYE').length).toBe(1)
    expect(server.telemetry.reports).toMatchObject([{ outcome: 'recorded', endReason: reason }])
    expect(server.timers.pendingCount).toBe(0)
  })

  it('is repeated until somebody answers', async () => {
    const server = aSipCore()
    const call = await aRunningCall(server)
    await server.recorder.calls[0]?.end('media_timeout')
    await server.timers.advance(60_000)
    expect(call.requests('BYE').length).toBe(11)
    expect(new Set(call.requests('BYE').map((bye) => headerOf(bye, 'Via'))).size).toBe(1)
    expect(server.timers.pendingCount).toBe(0)
  })

  it('waits for the ACK, and comes without when that never does (RFC 3261 §13.3.1.4)', async () => {
    const server = aSipCore()
    const call = server.aCall()
    const branch = call.invite()
    await server.timers.advance(0)
    call.learn()
    await server.timers.advance(31_999)
    expect(call.statusesOf(branch)).toEqual([100, ...Array.from({ length: 11 }, () => 200)])
    expect(call.requests().length).toBe(0)
    await server.timers.advance(1)
    expect(call.requests('BYE').length).toBe(1)
    expect(server.recorder.calls[0]?.endReason).toBe('signalling_lost')
    await server.timers.advance(60_000)
    expect([server.timers.pendingCount, server.core.transactionCount]).toEqual([0, 0])
  })

  it('of a recording that ended before the ACK comes with the ACK', async () => {
    const server = aSipCore()
    const call = server.aCall()
    call.invite()
    await server.timers.advance(0)
    call.learn()
    await server.recorder.calls[0]?.end('max_length')
    await server.timers.advance(1_000)
    expect(call.requests().length).toBe(0)
    call.ack()
    await server.timers.advance(0)
    expect(call.requests('BYE').length).toBe(1)
  })

  it('goes by the recorded route, loose or strict (RFC 3261 §12.2.1.1)', async () => {
    for (const [lr, uri, routes] of [
      [';lr', 'sip:alice@192.0.2.10:5070', ['<sip:192.0.2.20;lr>', '<sip:192.0.2.21>']],
      ['', 'sip:192.0.2.20', ['<sip:192.0.2.21>', '<sip:alice@192.0.2.10:5070>']],
    ] as const) {
      const server = aSipCore()
      const call = await aRunningCall(server, {
        headers: [['Record-Route', `<sip:192.0.2.20${lr}>, <sip:192.0.2.21>`]],
      })
      await server.recorder.calls[0]?.end('media_timeout')
      await server.timers.advance(0)
      const [bye] = call.requests('BYE')
      expect(bye?.uri).toBe(uri)
      expect(bye?.headers.filter(([name]) => name === 'Route').map(([, value]) => value)).toEqual(routes)
      expect(call.flow.targets.at(-1)).toEqual({ address: '192.0.2.20', port: 5060 })
    }
  })

  it('goes back where the call came from when its Contact is behind NAT', async () => {
    const server = aSipCore({ trunk: { networks: ['203.0.113.7'] } })
    const call = await aRunningCall(
      server,
      { headers: [['Contact', '<sip:alice@10.0.0.5:5060>']] },
      server.flowOf('UDP', '203.0.113.7', 61_000),
    )
    await server.recorder.calls[0]?.end('media_timeout')
    await server.timers.advance(0)
    expect(call.requests('BYE')[0]?.uri).toBe('sip:alice@10.0.0.5:5060')
    expect(call.flow.targets.at(-1)).toEqual({ address: '203.0.113.7', port: 61_000 })
  })

  it('takes the connection of the call, else a new one to its Contact', async () => {
    const server = aSipCore()
    const flow = server.flowOf('TCP')
    const kept = await aRunningCall(server, {}, flow)
    const lost = await aRunningCall(
      server,
      { headers: [['Contact', '<sip:alice@192.0.2.10:5099;transport=tcp>']] },
      flow,
    )
    await server.recorder.calls[0]?.end('media_timeout')
    await server.timers.advance(0)
    const [bye] = kept.requests('BYE')
    if (bye) kept.respond(bye, 200)
    flow.close()
    await server.recorder.calls[1]?.end('media_timeout')
    await server.timers.advance(0)
    expect(lost.requests('BYE').length).toBe(0)
    expect(server.transports.opened.map(({ protocol, remote, sent }) => [protocol, remote, sent.length])).toEqual([
      ['TCP', { address: '192.0.2.10', port: 5099 }, 1],
    ])
  })
})

describe('our BYE over a connection that ends meanwhile', () => {
  it('is sent once more to the Contact', async () => {
    const server = aSipCore()
    const contact = [['Contact', '<sip:alice@192.0.2.10:5099;transport=tcp>']] as const
    const call = await aRunningCall(server, { headers: contact }, server.flowOf('TCP'))
    await server.recorder.calls[0]?.end('media_timeout')
    await server.timers.advance(0)
    call.flow.close()
    await server.timers.advance(0)
    const [second] = server.transports.opened
    expect([call.requests('BYE').length, second?.sent.length]).toEqual([1, 1])
    second?.close()
    await server.timers.advance(0)
    expect([server.transports.opened.length, server.timers.pendingCount]).toEqual([1, 1])
  })
})
