import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { ConnectionBounds } from '../../src/edges/sip/connection-table.ts'
import { SipServer } from '../../src/edges/sip/sip-server.ts'
import type { ConnectionLimits } from '../../src/edges/sip/stream-connection.ts'
import type { TlsFiles } from '../../src/edges/sip/stream-transport.ts'
import type { BoundAddress } from '../../src/edges/sip/transports.ts'
import { headerOf } from '../../src/protocol/sip/message.ts'
import { requireProgram } from '../acceptance/support/debian.ts'
import { aTrunk, NotedSipTelemetry, trunkSource } from '../builders/sip-server.ts'
import { aProject } from '../builders/values.ts'
import { FakeCallRecorder } from '../fakes/fake-call-recorder.ts'
import type { PeerCall } from '../fakes/sip-peer.ts'
import { waitFor } from '../support/wait-for.ts'
import { openStream, openUdp, type WireClient } from './support/sip-wire.ts'

type Transport = BoundAddress['transport']

const folder = mkdtempSync(join(tmpdir(), 'poulsen-sip-'))
let tls: TlsFiles
const opened: { close(): unknown }[] = []

beforeAll(() => {
  const openssl = requireProgram('/usr/bin/openssl', 'openssl')
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', join(folder, 'key')]
  const rest = ['-subj', '/CN=sip', '-addext', 'subjectAltName=IP:127.0.0.1', '-out', join(folder, 'cert')]
  execFileSync(openssl, ['req', '-x509', '-days', '2', ...key, ...rest], { stdio: 'pipe' })
  tls = { cert: readFileSync(join(folder, 'cert')), key: readFileSync(join(folder, 'key')) }
}, 300_000)
afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await each.close()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const start = async (
  listen: readonly { readonly transport: Transport; readonly host: string }[],
  connections: Partial<ConnectionLimits> = {},
  limits: Partial<ConnectionBounds> = {},
) => {
  const project = aProject()
  const recorder = new FakeCallRecorder()
  const telemetry = new NotedSipTelemetry()
  const server = new SipServer({
    listen: listen.map((each) => ({ ...each, port: 0 })),
    recorder,
    telemetry,
    tls,
    trunks: trunkSource([aTrunk(project.id, { networks: ['127.0.0.0/8', '::1'] })], [project]),
    connections,
    limits,
  })
  const addresses = await server.start()
  opened.push({ close: () => server.stop() })
  const at = (index = 0) => {
    const { address, port } = addresses[index] as BoundAddress
    return { address: address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : address, port }
  }
  return { server, recorder, telemetry, at }
}

const dial = async (transport: Transport, target: { address: string; port: number }): Promise<WireClient> => {
  const host = target.address.includes(':') ? '::1' : '127.0.0.1'
  const client = await (transport === 'udp'
    ? openUdp(target, host)
    : openStream(transport === 'tcp' ? 'TCP' : 'TLS', target))
  opened.push(client)
  return client
}

const answered = async (call: PeerCall, branch: string) => await waitFor(() => call.finalOf(branch))

const establish = async (client: WireClient): Promise<PeerCall> => {
  const call = client.aCall()
  await answered(call, call.invite())
  call.learn()
  call.ack()
  return call
}

describe('a call', () => {
  it.each([
    ['udp', '127.0.0.1', ''],
    ['udp', '::1', ''],
    ['tcp', '127.0.0.1', ';transport=tcp'],
    ['tcp', '::1', ';transport=tcp'],
    ['tls', '127.0.0.1', ';transport=tls'],
    ['tls', '::1', ';transport=tls'],
    ['udp', '0.0.0.0', ''],
    ['udp', '::', ''],
    ['tcp', '0.0.0.0', ';transport=tcp'],
    ['tcp', '::', ';transport=tcp'],
  ] as const)('over %s to %s is answered with an address that can be reached', async (transport, host, parameter) => {
    const { recorder, at } = await start([{ transport, host }])
    const client = await dial(transport, at())
    const call = await establish(client)
    const shown = at().address.includes(':') ? `[${at().address}]` : at().address
    expect(headerOf(call.learn(), 'Contact')).toBe(`<sip:poulsen@${shown}:${at().port}${parameter}>`)
    expect(new TextDecoder().decode(call.learn().body)).toContain(at().address)
    const bye = await answered(call, call.send('BYE'))
    expect([bye.status, recorder.calls[0]?.endReason]).toEqual([200, 'hangup'])
  })

  it('is hung up on over the connection that it came by', async () => {
    for (const transport of ['udp', 'tcp', 'tls'] as const) {
      const { recorder, at } = await start([{ transport, host: '127.0.0.1' }])
      const call = await establish(await dial(transport, at()))
      await recorder.calls[0]?.end('media_timeout')
      const bye = await waitFor(() => call.requests('BYE')[0])
      expect(headerOf(bye, 'Via')).toContain(`SIP/2.0/${transport.toUpperCase()} 127.0.0.1:${at().port};branch=z9hG4bK`)
      call.respond(bye, 200)
    }
  })

  it('is hung up on at its Contact when its connection is gone', async () => {
    const { recorder, at } = await start([{ transport: 'tcp', host: '127.0.0.1' }])
    const listener = createServer()
    listener.listen(0, '127.0.0.1')
    await once(listener, 'listening')
    opened.push(listener)
    const bytes = new Promise<string>((resolve) =>
      listener.once('connection', (socket: Socket) => socket.once('data', (chunk) => resolve(chunk.toString()))),
    )
    const client = await dial('tcp', at())
    const { port } = listener.address() as { port: number }
    const call = client.aCall()
    await answered(call, call.invite({ headers: [['Contact', `<sip:a@127.0.0.1:${port};transport=tcp>`]] }))
    call.learn()
    call.ack()
    client.close()
    await client.ended
    await recorder.calls[0]?.end('media_timeout')
    expect(await bytes).toMatch(new RegExp(`^BYE sip:a@127\\.0\\.0\\.1:${port};transport=tcp SIP/2\\.0\r\n`))
  })
})

describe('a connection', () => {
  it('answers pings, and takes messages in whatever pieces', async () => {
    const { at } = await start([{ transport: 'tcp', host: '127.0.0.1' }])
    const client = await dial('tcp', at())
    client.write('\r\n\r\n')
    await waitFor(() => (client.receivedBytes === 2 ? true : undefined))
    const calls = Array.from({ length: 3 }, () => client.aCall())
    const branches = calls.map((call) => call.send('OPTIONS'))
    for (const [index, call] of calls.entries()) expect((await answered(call, branches[index] ?? '')).status).toBe(200)
    const text =
      'OPTIONS sip:a@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bKbytes\r\nFrom: <sip:a@b>;tag=1\r\n' +
      'To: <sip:a@b>\r\nCall-ID: bytes\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n'
    for (const character of text) client.write(character)
    expect((await waitFor(() => calls[0]?.finalOf('z9hG4bKbytes'))).status).toBe(200)
  })

  it('that brings no SIP is answered and ended', async () => {
    const { at } = await start([{ transport: 'tcp', host: '127.0.0.1' }])
    const client = await dial('tcp', at())
    client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await client.ended
    expect(client.receivedBytes).toBe(0)
  })

  it.each([
    ['tcp', 'nothing comes', ''],
    ['tcp', 'a message stays unfinished', 'OPTIONS sip:a@127.0.0.1 SIP/2.0\r\nVia: '],
    ['tls', 'nothing comes', ''],
  ] as const)('over %s is ended when %s', async (transport, _what, text) => {
    const { at } = await start([{ transport, host: '127.0.0.1' }], { firstMessageMs: 100, messageMs: 100 })
    const client = await dial(transport, at())
    if (text !== '') client.write(text)
    await client.ended
  })

  it('is ended when its handshake never ends', async () => {
    const { at } = await start([{ transport: 'tls', host: '127.0.0.1' }], { firstMessageMs: 100 })
    const socket = connect({ host: '127.0.0.1', port: at().port })
    socket.on('error', () => {})
    await once(socket, 'close')
  })

  it('is ended when it is idle, but not while a call depends on it', async () => {
    const { at, recorder } = await start([{ transport: 'tcp', host: '127.0.0.1' }], { idleMs: 100 })
    const [idle, busy] = [await dial('tcp', at()), await dial('tcp', at())]
    const call = await establish(busy)
    const options = idle.aCall()
    await answered(options, options.send('OPTIONS'))
    await idle.ended
    expect((await answered(call, call.send('UPDATE'))).status).toBe(200)
    expect((await answered(call, call.send('BYE'))).status).toBe(200)
    await busy.ended
    expect(recorder.calls[0]?.endReason).toBe('hangup')
  })

  it('whose peer does not read is ended before much waits for it', async () => {
    const limits = { writeBufferMaxBytes: 64 * 1024 }
    const { at } = await start([{ transport: 'tcp', host: '127.0.0.1' }], limits)
    const socket = connect({ host: '127.0.0.1', port: at().port })
    await once(socket, 'connect')
    socket.on('error', () => {})
    let isClosed = false
    socket.once('close', () => {
      isClosed = true
    })
    socket.pause()
    const padding = 'x'.repeat(6_000)
    const request = `REGISTER sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bKa;p=${padding}\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\nContent-Length: 0\r\n\r\n`
    await waitFor(() => {
      if (!isClosed && socket.writableLength < 1024 * 1024) socket.write(request.repeat(50))
      return isClosed ? true : undefined
    }, 20_000)
  })

  it('makes way when there are too many, unless a trunk has spoken on it', async () => {
    const { at, server } = await start([{ transport: 'tcp', host: '127.0.0.1' }], {}, { connectionsMax: 3 })
    const trusted = await dial('tcp', at())
    const call = await establish(trusted)
    const silent = [await dial('tcp', at()), await dial('tcp', at())]
    const latest = await dial('tcp', at())
    await silent[0]?.ended
    const second = await establish(latest)
    for (const each of [call, second]) expect((await answered(each, each.send('UPDATE'))).status).toBe(200)
    expect(server.callCount).toBe(2)
  })

  it('beyond the number of an address is refused', async () => {
    const { at } = await start([{ transport: 'tcp', host: '127.0.0.1' }], {}, { connectionsPerAddressMax: 1 })
    await dial('tcp', at())
    const refused = await dial('tcp', at())
    await refused.ended
    const elsewhere = await openStream('TCP', at(), { localAddress: '127.0.0.2' })
    opened.push(elsewhere)
    const call = elsewhere.aCall()
    expect((await answered(call, call.send('OPTIONS'))).status).toBe(200)
  })
})

describe('start', () => {
  it('listens on everything or on nothing', async () => {
    const { at } = await start([{ transport: 'tcp', host: '127.0.0.1' }])
    const project = aProject()
    const other = new SipServer({
      listen: [
        { transport: 'udp', host: '127.0.0.1', port: at().port },
        { transport: 'tcp', host: '127.0.0.1', port: at().port },
      ],
      recorder: new FakeCallRecorder(),
      telemetry: new NotedSipTelemetry(),
      trunks: trunkSource([], [project]),
    })
    await expect(other.start()).rejects.toMatchObject({
      code: 'LISTEN_FAILED',
      message: `POULSEN_SIP_LISTEN tcp:127.0.0.1:${at().port} is already in use.`,
    })
    const again = await openUdp({ address: '127.0.0.1', port: at().port })
    opened.push(again)
    await expect(
      new SipServer({
        listen: [{ transport: 'udp', host: '192.0.2.1', port: 0 }],
        recorder: new FakeCallRecorder(),
        telemetry: new NotedSipTelemetry(),
        trunks: trunkSource([], []),
      }).start(),
    ).rejects.toMatchObject({ code: 'LISTEN_FAILED', hint: expect.any(String) })
  })

  it('takes both families on one port', async () => {
    const { at } = await start([{ transport: 'udp', host: '0.0.0.0' }])
    const both = new SipServer({
      listen: [{ transport: 'udp', host: '::', port: at().port }],
      recorder: new FakeCallRecorder(),
      telemetry: new NotedSipTelemetry(),
      trunks: trunkSource([], []),
    })
    opened.push({ close: () => both.stop() })
    expect(await both.start()).toEqual([{ transport: 'udp', address: '::', port: at().port }])
  })

  it('takes another certificate into service', async () => {
    const { at, server } = await start([{ transport: 'tls', host: '127.0.0.1' }])
    server.setCertificate(tls)
    const call = await establish(await dial('tls', at()))
    expect(call.learn().status).toBe(200)
  })
})
