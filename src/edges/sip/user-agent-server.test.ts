import { describe, expect, it } from 'vitest'
import { aRunningCall, aSipCore } from '../../../test/builders/sip-server.ts'
import type { PeerCall } from '../../../test/fakes/sip-peer.ts'
import { headerOf } from '../../protocol/sip/message.ts'
import { parseSipMessage } from '../../protocol/sip/parse-message.ts'

const finalHeader = (call: PeerCall, branch: string, name: string): string | undefined =>
  headerOf(call.finalOf(branch) ?? { headers: [] }, name)

describe('requests outside of calls', () => {
  it('OPTIONS of a trunk gets 200 with what is understood here (RFC 3261 §11.2)', async () => {
    const server = aSipCore()
    const call = server.aCall()
    const branch = call.send('OPTIONS')
    await server.timers.advance(0)
    expect(call.statusesOf(branch)).toEqual([200])
    expect(['Allow', 'Accept', 'Supported'].map((name) => finalHeader(call, branch, name))).toEqual([
      'INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO',
      'application/sdp, application/rs-metadata+xml, application/rs-metadata, multipart/mixed',
      'timer, siprec',
    ])
    expect([server.core.transactionCount, server.timers.pendingCount]).toEqual([0, 0])
  })

  it.each([
    'REGISTER',
    'SUBSCRIBE',
    'REFER',
    'MESSAGE',
    'PUBLISH',
    'NOTIFY',
    'UNHEARD',
  ])('%s gets 405 with Allow', (method) => {
    const server = aSipCore()
    const call = server.aCall()
    const branch = call.send(method)
    expect(call.statusesOf(branch)).toEqual([405])
    expect(finalHeader(call, branch, 'Allow')).toContain('INVITE')
    expect(server.telemetry.answers).toEqual([`${method === 'UNHEARD' ? 'other' : method} 405`])
  })

  it.each(['BYE', 'UPDATE', 'INFO'])('%s gets 481', async (method) => {
    const server = aSipCore()
    const call = server.aCall()
    const branch = call.send(method)
    await server.timers.advance(0)
    expect(call.statusesOf(branch)).toEqual([481])
  })

  it('that require what is unknown get 420 with it (RFC 3261 §8.2.2.3)', () => {
    const server = aSipCore()
    const call = server.aCall()
    const branch = call.invite({
      headers: [
        ['Require', 'timer, 100rel, outbound'],
        ['Require', 'precondition'],
      ],
    })
    expect(call.statusesOf(branch)).toEqual([420])
    expect(finalHeader(call, branch, 'Unsupported')).toBe('outbound, precondition')
  })

  it.each([
    ['no Call-ID', (text: string) => text.replace(/^Call-ID.*\r\n/m, ''), 400],
    ['another version', (text: string) => text.replace('SIP/2.0\r\n', 'SIP/7.0\r\n'), 505],
    ['another scheme', (text: string) => text.replace('sip:rec@192.0.2.1 SIP', 'http://192.0.2.1/ SIP'), 416],
    ['a CSeq of another method', (text: string) => text.replace('1 OPTIONS\r\n', '1 INVITE\r\n'), 400],
  ])('with %s get their status', async (_what, spoil, status) => {
    const server = aSipCore()
    const flow = server.flowOf()
    const lines = [
      'OPTIONS sip:rec@192.0.2.1 SIP/2.0',
      'Via: SIP/2.0/UDP 192.0.2.10:5070;branch=z9hG4bKspoilt',
      'Max-Forwards: 70',
      'From: <sip:a@example.com>;tag=1',
      'To: <sip:rec@192.0.2.1>',
      'Call-ID: spoilt',
      'CSeq: 1 OPTIONS',
      'Content-Length: 0',
    ]
    const parsed = parseSipMessage(Buffer.from(spoil(`${lines.join('\r\n')}\r\n\r\n`)))
    if (parsed.kind === 'refusal') server.core.refused(parsed, flow)
    else server.core.received(parsed, flow)
    await server.timers.advance(0)
    expect(flow.sent.map((each) => each.kind === 'response' && each.status)).toEqual([status])
  })

  it('are not answered when they are ACKs or answers to nothing', async () => {
    const server = aSipCore()
    const call = server.aCall()
    call.toTag = 'nobody'
    call.send('ACK')
    call.respond(call.form('BYE'), 200)
    await server.timers.advance(60_000)
    expect(call.flow.sent).toEqual([])
  })
})

describe('where answers go (RFC 3261 §18.2, RFC 3581)', () => {
  it.each([
    ['192.0.2.10:5070', '', 5070, undefined],
    ['192.0.2.10', '', 5060, undefined],
    ['192.0.2.10:6000', ';rport', 5070, '192.0.2.10'],
    ['10.0.0.5:6000', '', 6000, '192.0.2.10'],
    ['pbx.example.com', ';rport', 5070, '192.0.2.10'],
  ])('a Via of %s%s over UDP', (sentBy, rport, port, received) => {
    const server = aSipCore()
    const call = server.aCall()
    const request = call.form('REGISTER')
    const headers = request.headers.map(([name, value]) =>
      name === 'Via' ? ([name, `SIP/2.0/UDP ${sentBy};branch=z9hG4bKx${rport}`] as const) : ([name, value] as const),
    )
    server.core.received({ ...request, headers }, call.flow)
    expect(call.flow.targets).toEqual([{ address: '192.0.2.10', port }])
    const via = headerOf(call.flow.sent[0] ?? { headers: [] }, 'Via') ?? ''
    expect(/received=([^;]+)/.exec(via)?.[1]).toBe(received)
    expect(/rport(?:=([^;]*))?/.exec(via)?.[1]).toBe(rport === '' ? undefined : '5070')
  })

  it('a Via keeps what else it says, as it was written', () => {
    const server = aSipCore()
    const call = server.aCall(server.flowOf('UDP', '2001:db8::7', 5071))
    const request = call.form('REGISTER')
    const via = 'SIP/2.0/UDP  pbx.example.com ; branch=z9hG4bK=@odd:1 ;received=10.0.0.1;RPORT;x="a;b"'
    const headers = request.headers.map(([name, value]) => [name, name === 'Via' ? `${via}, ${value}` : value] as const)
    server.core.received({ ...request, headers }, call.flow)
    const answered = headerOf(call.flow.sent[0] ?? { headers: [] }, 'Via')
    expect(answered).toBe(
      `SIP/2.0/UDP  pbx.example.com ; branch=z9hG4bK=@odd:1 ;rport=5071;x="a;b";received=2001:db8::7, ${headerOf(request, 'Via')}`,
    )
  })

  it('back on the connection, else on a new one to where it came from', async () => {
    const server = aSipCore()
    const gate = Promise.withResolvers<void>()
    server.recorder.gates.begin = gate.promise
    const flow = server.flowOf('TCP')
    const call = server.aCall(flow)
    call.invite()
    await server.timers.advance(0)
    expect(flow.sent.length).toBe(1)
    flow.isOpen = false
    gate.resolve()
    await server.timers.advance(0)
    expect(server.transports.opened.map(({ remote, sent }) => [remote, sent.length])).toEqual([
      [{ address: '192.0.2.10', port: 5070 }, 1],
    ])
  })
})

describe('strangers', () => {
  it('get 403 and are counted, and nothing is kept of them', async () => {
    const server = aSipCore()
    const call = server.aCall(server.flowOf('UDP', '198.51.100.1'))
    const branches = [call.invite(), call.send('OPTIONS')]
    await server.timers.advance(0)
    expect(branches.map((branch) => call.statusesOf(branch))).toEqual([[403], [403]])
    expect(server.telemetry.strangers).toEqual(['network', 'network'])
    expect([server.core.transactionCount, server.timers.pendingCount, server.telemetry.reports.length]).toEqual([
      0, 0, 0,
    ])
    expect(call.flow.isTrusted).toBe(false)
  })

  it('whose trunk’s project is gone get 403', async () => {
    const server = aSipCore({ trunk: { projectId: 'gone' } })
    const call = server.aCall()
    const branch = call.invite()
    await server.timers.advance(0)
    expect(call.statusesOf(branch)).toEqual([403])
  })
})

describe('bounds', () => {
  it('calls beyond the limit get 503 and a time to wait, and there is room again when one ends', async () => {
    const server = aSipCore({ limits: { callsMax: 2 } })
    const calls = [await aRunningCall(server), await aRunningCall(server)]
    const third = server.aCall()
    const branch = third.invite()
    await server.timers.advance(0)
    expect(third.statusesOf(branch)).toEqual([100, 503])
    expect(finalHeader(third, branch, 'Retry-After')).toBe('5')
    third.ack()
    calls[0]?.send('BYE')
    await server.timers.advance(0)
    await aRunningCall(server)
    expect([server.recorder.callCount, server.telemetry.callsMax]).toEqual([2, 2])
  })

  it('a flood stays within them and is answered, and the calls beside it go on', async () => {
    const server = aSipCore({ limits: { callsMax: 50, transactionsMax: 200 } })
    const running = await aRunningCall(server)
    const held = Promise.withResolvers<void>()
    server.recorder.gates.begin = held.promise
    const flood = Array.from({ length: 5_000 }, () => server.aCall())
    const branches: string[] = []
    for (const call of flood) {
      branches.push(call.invite())
      expect(server.core.transactionCount).toBeLessThanOrEqual(100)
    }
    held.resolve()
    await server.timers.advance(0)
    const finals = flood.map((call, index) => call.statusesOf(branches[index] ?? '').filter((status) => status >= 200))
    expect(finals.every((statuses) => statuses.length === 1)).toBe(true)
    expect(finals.filter(([status]) => status === 200).length).toBe(49)
    expect(server.telemetry.callsMax).toBe(50)
    const bye = running.send('BYE')
    await server.timers.advance(0)
    expect(running.statusesOf(bye)).toEqual([200])
    expect(server.recorder.calls[0]?.endReason).toBe('hangup')
    for (const call of flood) call.flow.sent.splice(0)
    await server.timers.advance(120_000)
    expect([server.core.transactionCount, server.recorder.callCount, server.timers.pendingCount]).toEqual([0, 0, 0])
  })
})

describe('drain and stop', () => {
  it('drain refuses new calls, waits for running ones, and hangs up at the deadline', async () => {
    const server = aSipCore()
    const [first, second] = [await aRunningCall(server), await aRunningCall(server)]
    let isDrained = false
    const drained = server.core.drain(10_000).then(() => {
      isDrained = true
    })
    const late = server.aCall()
    const branches = [late.invite(), late.send('OPTIONS')]
    await server.timers.advance(0)
    expect(branches.map((branch) => late.statusesOf(branch))).toEqual([[503], [503]])
    expect(finalHeader(late, branches[0] ?? '', 'Retry-After')).toBe('30')
    first.send('BYE')
    await server.timers.advance(9_999)
    expect([isDrained, server.recorder.calls.map(({ endReason }) => endReason)]).toEqual([false, ['hangup', undefined]])
    await server.timers.advance(1)
    expect(server.recorder.calls.map(({ endReason }) => endReason)).toEqual(['hangup', 'shutdown'])
    const [bye] = second.requests('BYE')
    if (bye) second.respond(bye, 200)
    await server.timers.advance(0)
    await drained
    expect(isDrained).toBe(true)
  })

  it('drain waits for a call that is being set up, and hangs up on that as well', async () => {
    const server = aSipCore()
    const held = Promise.withResolvers<void>()
    server.recorder.gates.begin = held.promise
    const call = server.aCall()
    const branch = call.invite()
    await server.timers.advance(0)
    const drained = server.core.drain(10_000)
    held.resolve()
    await server.timers.advance(5_000)
    expect([call.finalOf(branch)?.status, server.telemetry.calls]).toEqual([200, 1])
    call.learn()
    call.ack()
    await server.timers.advance(6_000)
    await drained
    expect(server.recorder.calls[0]?.endReason).toBe('shutdown')
  })

  it('drain ends as soon as the last call does', async () => {
    const server = aSipCore()
    const call = await aRunningCall(server)
    const drained = server.core.drain(1_000_000)
    call.send('BYE')
    await server.timers.advance(1_000)
    await drained
    expect(server.recorder.callCount).toBe(0)
  })

  it('stop answers what is open, hangs up on what runs, and leaves no timer', async () => {
    const server = aSipCore()
    const running = await aRunningCall(server)
    const waiting = server.aCall()
    waiting.invite()
    await server.timers.advance(0)
    const held = Promise.withResolvers<void>()
    server.recorder.gates.begin = held.promise
    const open = server.aCall()
    const branch = open.invite()
    await server.timers.advance(0)
    const stopped = server.core.stop()
    held.resolve()
    await server.timers.advance(1_000)
    await stopped
    expect(open.statusesOf(branch)).toEqual([100, 503])
    expect([running.requests('BYE').length, waiting.requests('BYE').length]).toEqual([2, 2])
    expect([server.recorder.callCount, server.timers.pendingCount, server.core.transactionCount]).toEqual([0, 0, 0])
  })
})
