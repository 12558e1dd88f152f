import { spawnSync } from 'node:child_process'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { aFragment } from '../builders/webrtc-offer.ts'
import { waitFor } from '../support/wait-for.ts'
import { isRunning, mediaPortOf, transportOf, transportsOf } from './support/transport-process.ts'
import { NOT_FOUND, refused, type WhipAnswer, WhipClient } from './support/whip-client.ts'
import { WhipServer } from './support/whip-server.ts'

const SESSIONS = 5
const UNAVAILABLE = refused(
  503,
  'Service Unavailable',
  'WEBRTC_UNAVAILABLE',
  'WebRTC transport is not available. It starts again by itself: try again in a moment.',
  { 'retry-after': '2' },
)

const running: WhipServer[] = []
afterEach(async () => {
  for (const each of running.splice(0)) await each.dispose()
})

const serve = async (
  environment: Readonly<Record<string, string>> = {},
): Promise<{ readonly live: WhipServer; readonly client: WhipClient }> => {
  const live = new WhipServer({ POULSEN_WEBRTC_POSTS_PER_SECOND: '1000', ...environment })
  running.push(live)
  await live.start()
  return { live, client: new WhipClient(live) }
}

const sessions = (client: WhipClient) => Promise.all(Array.from({ length: SESSIONS }, () => client.publish()))

/** Publishes without a pause until it works; what was answered before that. */
const publishAgain = async (client: WhipClient, deadlineMs = 15_000): Promise<readonly WhipAnswer[]> => {
  const before: WhipAnswer[] = []
  await waitFor(async () => {
    const answer = await client.post()
    if (answer.status === 201) return true
    before.push(answer)
    return undefined
  }, deadlineMs)
  return before
}

/** How all recordings have ended, when none is in progress. */
const ends = async (live: WhipServer): Promise<readonly (readonly [string, string | undefined])[]> => {
  const all = await waitFor(async () => {
    const found = await live.list()
    return found.every(({ status }) => status !== 'recording') ? found : undefined
  })
  const details = await Promise.all(all.map(({ id }) => live.details(id)))
  return details.map(({ status, call }) => [status, call?.end_reason])
}

const openSocket = async (port: number): Promise<Socket> => {
  const socket = createSocket('udp4')
  const listening = once(socket, 'listening')
  socket.bind(port, '127.0.0.1')
  await listening
  return socket
}

/** The port, as soon as whoever has it is gone. */
const takePort = (port: number): Promise<Socket> => waitFor(() => openSocket(port).catch(() => undefined))

describe('a transport process that is killed', () => {
  it('ends its sessions as lost, and another takes its place on the same port', async () => {
    const { live, client } = await serve()
    const port = mediaPortOf(live)
    const made = await sessions(client)
    const killed = await transportOf(live)
    process.kill(killed, 'SIGKILL')
    const before = await publishAgain(client)
    expect([...new Set(before.map(({ status }) => status))]).toEqual([503])
    for (const answer of before) expect(answer).toEqual(UNAVAILABLE)
    for (const each of made) expect(await client.patch(each, { body: aFragment() })).toEqual(NOT_FOUND)
    const again = await client.publish()
    expect(again.answer.body).toMatch(new RegExp(` 127\\.0\\.0\\.1 ${port} typ host`))
    expect(await transportOf(live)).not.toBe(killed)
    const all = await Promise.all((await live.list()).map(({ id }) => live.details(id)))
    const lost = all.filter(({ status }) => status !== 'recording')
    expect(lost.map(({ status, call }) => [status, call?.end_reason])).toEqual(
      made.map(() => ['no_input', 'signalling_lost']),
    )
    expect(live.server.output()).toContain('WebRTC transport ended: SIGKILL')
  })

  it('again and again while offers come: each is answered, and none is left behind', async () => {
    const { live, client } = await serve()
    const statuses = new Set<number>()
    for (let round = 0; round < 4; round += 1) {
      const asked = Array.from({ length: 8 }, () => client.post())
      process.kill(await transportOf(live), 'SIGKILL')
      for (const { status } of [...(await Promise.all(asked)), ...(await publishAgain(client))]) statuses.add(status)
    }
    expect(statuses.difference(new Set([201, 503]))).toEqual(new Set())
    process.kill(await transportOf(live), 'SIGKILL')
    expect(new Set((await ends(live)).map(([status, reason]) => `${status} ${reason}`))).toEqual(
      new Set(['no_input signalling_lost']),
    )
  })

  it('whose port is taken by somebody else meanwhile is back when it is free again', async () => {
    const { live, client } = await serve({ POULSEN_SHUTDOWN_DEADLINE_SECONDS: '1' })
    const taken = takePort(mediaPortOf(live))
    process.kill(await transportOf(live), 'SIGKILL')
    const socket = await taken
    await waitFor(() => (live.server.output().includes('cannot be listened on') ? true : undefined))
    expect(await client.post()).toEqual(UNAVAILABLE)
    const closed = once(socket, 'close')
    socket.close()
    await closed
    await publishAgain(client, 6_000)
    expect(transportsOf(live.server.pid)).toHaveLength(1)
    expect(await live.stop()).toBe(0)
  })

  it('right before a stop holds nothing up', async () => {
    const { live, client } = await serve({ POULSEN_SHUTDOWN_DEADLINE_SECONDS: '1' })
    await sessions(client)
    process.kill(await transportOf(live), 'SIGKILL')
    expect(await live.stop()).toBe(0)
    expect(transportsOf(live.server.pid)).toEqual([])
  })
})

describe('a transport process that is stopped', () => {
  it('by the signals of a terminal goes on: the server says when it is time', async () => {
    const { live, client } = await serve()
    const pid = await transportOf(live)
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.kill(pid, signal)
    const made = await client.publish()
    expect((await client.end(made)).status).toBe(200)
    expect(await transportOf(live)).toBe(pid)
  })
})

describe('a transport process that hangs', () => {
  it('is ended after two offers that it does not answer, and another takes its place', async () => {
    const { live, client } = await serve()
    const made = await sessions(client)
    const hanging = await transportOf(live)
    process.kill(hanging, 'SIGSTOP')
    const before = await publishAgain(client, 20_000)
    expect(before.length).toBeGreaterThanOrEqual(2)
    for (const answer of before) expect(answer).toEqual(UNAVAILABLE)
    expect(isRunning(hanging)).toBe(false)
    expect(await transportOf(live)).not.toBe(hanging)
    for (const each of made) expect(await client.patch(each, { body: aFragment() })).toEqual(NOT_FOUND)
    expect(live.server.output()).toContain('WebRTC transport ended: SIGKILL')
  })

  it('for a moment is left alone', async () => {
    const { live, client } = await serve()
    const hanging = await transportOf(live)
    for (let round = 0; round < 2; round += 1) {
      process.kill(hanging, 'SIGSTOP')
      expect(await client.post()).toEqual(UNAVAILABLE)
      process.kill(hanging, 'SIGCONT')
      expect((await client.end(await client.publish())).status).toBe(200)
    }
    expect(await transportOf(live)).toBe(hanging)
  })
})

describe('the server', () => {
  it('killed leaves no transport process behind, and its recordings are final after the next start', async () => {
    const { live, client } = await serve()
    await sessions(client)
    const transport = await transportOf(live)
    await live.server.kill()
    await waitFor(() => (isRunning(transport) ? undefined : true))
    await live.start()
    expect(await ends(live)).toEqual(Array.from({ length: SESSIONS }, () => ['no_input', 'recovered']))
  })

  it('stopped ends the sessions that go on as shutdown, refuses offers, and exits with 0', async () => {
    const { live, client } = await serve({ POULSEN_SHUTDOWN_DEADLINE_SECONDS: '2' })
    const made = await sessions(client)
    const transport = await transportOf(live)
    live.server.signal('SIGTERM')
    const answer = await waitFor(async () => {
      const found = await client.post()
      return found.status === 201 ? undefined : found
    })
    expect(answer).toEqual(
      refused(
        503,
        'Service Unavailable',
        'WHIP_BUSY',
        'The server is stopping. Publish again later, or to another server.',
        { 'retry-after': '2' },
      ),
    )
    const [first] = made
    if (!first) throw new Error('there is no session')
    expect((await client.end(first)).status).toBe(200)
    expect(await live.server.ended).toBe(0)
    expect(isRunning(transport)).toBe(false)
    await live.start()
    const reasons = (await ends(live)).map(([, reason]) => reason)
    expect(reasons.filter((reason) => reason === 'hangup')).toHaveLength(1)
    expect(reasons.filter((reason) => reason === 'shutdown')).toHaveLength(reasons.length - 1)
  })

  it('stopped without sessions is gone at once', async () => {
    const { live, client } = await serve({ POULSEN_SHUTDOWN_DEADLINE_SECONDS: '60' })
    expect((await client.end(await client.publish())).status).toBe(200)
    expect(await live.stop()).toBe(0)
  })
})

describe('a port that cannot be had', () => {
  const folder = mkdtempSync(join(tmpdir(), 'poulsen-whip-'))
  const start = (listen: string) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ['src/main.ts', 'serve'], {
      env: {
        PATH: process.env.PATH ?? '',
        POULSEN_DATA_DIR: folder,
        POULSEN_PORT: '0',
        POULSEN_SIP_LISTEN: 'none',
        POULSEN_WEBRTC_LISTEN: listen,
      },
      timeout: 20_000,
      killSignal: 'SIGKILL',
    })
    return { status, stdout: stdout.toString(), lines: stderr.toString().trimEnd().split('\n') }
  }
  const HINT = 'hint: Choose another, or none for no WebRTC.'
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it('because somebody has it stops the start, with one line that names the setting', async () => {
    const socket = await openSocket(0)
    const listen = `127.0.0.1:${socket.address().port}`
    const { status, stdout, lines } = start(listen)
    socket.close()
    expect(status).toBeGreaterThan(0)
    expect(stdout).toBe('')
    expect(lines).toEqual([
      `poulsen: POULSEN_WEBRTC_LISTEN=${listen} cannot be listened on: bind EADDRINUSE ${listen}.`,
      HINT,
    ])
  })

  it("because the address is not this machine's stops it, too", () => {
    const { status, stdout, lines } = start('192.0.2.1:8189')
    expect(status).toBeGreaterThan(0)
    expect(stdout).toBe('')
    expect(lines).toEqual([
      'poulsen: POULSEN_WEBRTC_LISTEN=192.0.2.1:8189 cannot be listened on: bind EADDRNOTAVAIL 192.0.2.1:8189.',
      HINT,
    ])
  })

  it('because another server has it stops the second one only', async () => {
    const { live, client } = await serve()
    const { status, lines } = start(`127.0.0.1:${mediaPortOf(live)}`)
    expect(status).toBeGreaterThan(0)
    expect(lines[0]).toContain('POULSEN_WEBRTC_LISTEN=')
    expect((await client.end(await client.publish())).status).toBe(200)
  })
})
