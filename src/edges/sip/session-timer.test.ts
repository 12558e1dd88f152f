import { describe, expect, it } from 'vitest'
import { aRunningCall, aSipCore } from '../../../test/builders/sip-server.ts'
import { headerOf } from '../../protocol/sip/message.ts'

describe('session timers (RFC 4028)', () => {
  const timed = (seconds: string, more: readonly (readonly [string, string])[] = []) => ({
    headers: [['Supported', 'timer'], ['Session-Expires', seconds], ...more] as const,
  })
  const expiresOf = (answer: { headers: readonly (readonly [string, string])[] }) => headerOf(answer, 'Session-Expires')

  it('are the peer’s to refresh, and end the call when it does not', async () => {
    const server = aSipCore()
    const call = await aRunningCall(server, timed('120'))
    expect([expiresOf(call.learn()), headerOf(call.learn(), 'Require')]).toEqual(['120;refresher=uac', 'timer'])
    await server.timers.advance(60_000)
    const branch = call.send('UPDATE', timed('120;refresher=uac'))
    await server.timers.advance(0)
    expect(expiresOf(call.finalOf(branch) ?? { headers: [] })).toBe('120;refresher=uac')
    await server.timers.advance(87_999)
    expect(server.recorder.callCount).toBe(1)
    await server.timers.advance(1)
    expect(server.recorder.calls[0]?.endReason).toBe('signalling_lost')
    expect(call.requests('BYE').length).toBe(1)
  })

  it('are asked for when the peer only knows them, and left alone when it does not', async () => {
    const server = aSipCore()
    const knowing = await aRunningCall(server, { headers: [['Supported', 'timer, replaces']] })
    expect(expiresOf(knowing.learn())).toBe('1800;refresher=uac')
    const ignorant = await aRunningCall(server)
    expect(expiresOf(ignorant.learn())).toBeUndefined()
    await server.timers.advance(1_768_000)
    expect(server.recorder.calls.map(({ endReason }) => endReason)).toEqual(['signalling_lost', undefined])
  })

  it('too short are refused with what is enough, longest ones are shortened', async () => {
    const server = aSipCore()
    const short = server.aCall()
    const branch = short.invite(timed('60'))
    await server.timers.advance(0)
    expect(short.statusesOf(branch)).toEqual([100, 422])
    expect(headerOf(short.finalOf(branch) ?? { headers: [] }, 'Min-SE')).toBe('90')
    expect(expiresOf((await aRunningCall(server, timed('86400'))).learn())).toBe('1800;refresher=uac')
    const floor = await aRunningCall(server, timed('86400', [['Min-SE', '3600']]))
    expect(expiresOf(floor.learn())).toBe('3600;refresher=uac')
  })

  it('are ours to refresh when the peer says so, with UPDATE', async () => {
    const server = aSipCore()
    const call = await aRunningCall(server, timed('120;refresher=uas', [['Allow', 'INVITE, ACK, BYE, UPDATE']]))
    expect([expiresOf(call.learn()), headerOf(call.learn(), 'Require')]).toEqual(['120;refresher=uas', undefined])
    await server.timers.advance(60_000)
    const [update] = call.requests('UPDATE')
    expect(update && [expiresOf(update), headerOf(update, 'Contact')]).toEqual([
      '120;refresher=uac',
      '<sip:poulsen@192.0.2.1:5060>',
    ])
    if (update) call.respond(update, 200, [['Session-Expires', '120;refresher=uac']])
    await server.timers.advance(60_000)
    const next = call.requests('UPDATE').at(-1)
    expect(next && headerOf(next, 'CSeq')).toBe('2 UPDATE')
    if (next) call.respond(next, 481)
    await server.timers.advance(0)
    expect(server.recorder.calls[0]?.endReason).toBe('signalling_lost')
  })

  it('that we cannot refresh are none', async () => {
    const server = aSipCore()
    const call = await aRunningCall(server, timed('120;refresher=uas'))
    expect(expiresOf(call.learn())).toBeUndefined()
    await server.timers.advance(10_000_000)
    expect(server.recorder.callCount).toBe(1)
  })
})
