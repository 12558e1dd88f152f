import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterAll, describe, expect, it } from 'vitest'
import { Client } from './support/client.ts'
import { makeCredentials, startServer } from './support/server.ts'
import { wavOf } from './support/wav.ts'

const folder = mkdtempSync(join(tmpdir(), 'poulsen-first-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let folders = 0
const freshDir = (): string => join(folder, String(folders++))
const PATH_ONLY = { PATH: process.env.PATH ?? '', HOME: folder }

describe('npm start', () => {
  it('on a fresh folder prints a project, a token shown once, and curls that work when pasted', async () => {
    const env = {
      ...PATH_ONLY,
      POULSEN_DATA_DIR: freshDir(),
      POULSEN_PORT: '0',
      POULSEN_SIP_LISTEN: 'none',
      POULSEN_WEBRTC_LISTEN: 'none',
    }
    const run = async (use: (printed: string) => void | Promise<void>): Promise<void> => {
      const child = spawn('npm', ['start'], { env, detached: true, stdio: ['ignore', 'pipe', 'ignore'] })
      let printed = ''
      child.stdout.on('data', (text: Buffer) => {
        printed += text
      })
      await expect.poll(() => printed, { timeout: 20_000 }).toMatch(/listening on \S+\n/)
      try {
        await use(printed)
      } finally {
        process.kill(-(child.pid ?? 0), 'SIGTERM')
        await once(child, 'exit')
      }
    }
    await run(async (printed) => {
      await expect.poll(() => printed).toMatch(/^ {2}project {2}[0-9a-f-]{36}$/m)
      expect(printed).toMatch(/^ {2}token {4}PT[0-9a-f]{48}/m)
      const curls = printed.split('\n').filter((line) => line.startsWith('curl '))
      expect(curls).toHaveLength(2)
      const [stored, listed] = curls.map((curl) => JSON.parse(execFileSync('sh', ['-c', `${curl} -s`]).toString()))
      expect(stored).toMatchObject({ status: 'completed', duration_in_seconds: 16, stereo: true })
      expect(listed.data).toEqual([stored])
    })
    await run((printed) => expect(printed).not.toContain('PT'))
  })
})

describe('a start that cannot be', () => {
  const serve = (env: Record<string, string>, ...flags: string[]) => {
    const { status, stderr } = spawnSync(process.execPath, ['src/main.ts', 'serve', ...flags], {
      env: { ...PATH_ONLY, POULSEN_SIP_LISTEN: 'none', POULSEN_WEBRTC_LISTEN: 'none', ...env },
    })
    return { status, lines: stderr.toString().trim().split('\n') }
  }

  it.each([
    [
      { POULSEN_PORT: 'eighty' },
      'poulsen: POULSEN_PORT=eighty is not allowed; allowed: a whole number from 0 to 65535.',
    ],
    [{ POULSEN_PROT: '80' }, 'poulsen: POULSEN_PROT is not a setting;'],
    [{ POULSEN_TLS_CERT: '/nowhere', POULSEN_TLS_KEY: '/nowhere' }, 'poulsen: POULSEN_TLS_CERT=/nowhere'],
    [{ POULSEN_DATA_DIR: '/etc/passwd/poulsen' }, 'poulsen: The data folder /etc/passwd/poulsen cannot be used'],
  ])('%o says so in one line', (env, line) => {
    const { status, lines } = serve({ POULSEN_DATA_DIR: freshDir(), POULSEN_PORT: '0', ...env })
    expect(status).toBeGreaterThan(0)
    expect(lines[0]).toContain(line)
    expect(lines.length).toBeLessThanOrEqual(2)
  })

  it('a second server on the same folder names the first', async () => {
    const dataDir = freshDir()
    const first = await startServer(dataDir, makeCredentials())
    const { status, lines } = serve({ POULSEN_DATA_DIR: dataDir, POULSEN_PORT: '0' })
    expect(status).toBe(4)
    expect(lines[0]).toMatch(
      new RegExp(`Another server uses this data folder: pid ${first.pid}, since .*, at ${first.url}`),
    )
    await first.kill()
    await (await startServer(dataDir, makeCredentials())).stop()
  })

  it('a port that is taken', async () => {
    const first = await startServer(freshDir(), makeCredentials())
    const { status, lines } = serve({ POULSEN_DATA_DIR: freshDir(), POULSEN_PORT: new URL(first.url).port })
    await first.stop()
    expect(status).toBe(5)
    expect(lines[0]).toContain('is already in use')
  })

  it('a catalogue from a newer version', async () => {
    const dataDir = freshDir()
    await (await startServer(dataDir, makeCredentials())).stop()
    const database = new Database(join(dataDir, 'catalogue.sqlite'))
    database.pragma('user_version = 1000')
    database.close()
    const { status, lines } = serve({ POULSEN_DATA_DIR: dataDir, POULSEN_PORT: '0' })
    expect(status).toBe(7)
    expect(lines[0]).toContain('The catalogue has version 1000')
  })
})

describe('restart and stop', () => {
  it('keeps recordings and tokens; SIGTERM finishes an upload that runs', async () => {
    const dataDir = freshDir()
    const credentials = makeCredentials()
    const first = await startServer(dataDir, credentials)
    const client = new Client(first.url, credentials)
    const { id } = await client.store(wavOf(1, 5000))
    const wav = wavOf(2, 4000)
    const begun = Promise.withResolvers<void>()
    const go = Promise.withResolvers<void>()
    async function* slowly() {
      yield wav.subarray(0, 1000)
      begun.resolve()
      await go.promise
      yield wav.subarray(1000)
    }
    const slow = fetch(`${first.url}/v1/recordings`, {
      method: 'POST',
      headers: { authorization: credentials.authorization, 'content-type': 'audio/wav' },
      body: ReadableStream.from(slowly()),
      duplex: 'half',
    } as RequestInit)
    await begun.promise
    await expect.poll(async () => (await client.get('/metrics')).status).toBe(200)
    const stopped = first.stop()
    await expect
      .poll(() =>
        fetch(`${first.url}/healthz`).then(
          () => 'open',
          () => 'closed',
        ),
      )
      .toBe('closed')
    go.resolve()
    const answer = await slow
    expect(answer.status).toBe(201)
    const late = (await answer.json()) as { id: string }
    expect(await stopped).toBe(0)
    const second = await startServer(dataDir, credentials)
    const again = new Client(second.url, credentials)
    for (const each of [id, late.id]) expect((await again.get(`/api/relay/rest/recordings/${each}`)).status).toBe(200)
    await second.stop()
  })
})
