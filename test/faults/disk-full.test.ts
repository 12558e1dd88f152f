import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeCredentials, type RunningServer, startServer } from '../acceptance/support/server.ts'
import { wavOf } from '../acceptance/support/wav.ts'

const folder = mkdtempSync(join(tmpdir(), 'poulsen-full-'))
const credentials = makeCredentials()
const MEBIBYTE = 1024 ** 2
let server: RunningServer

beforeAll(async () => {
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'poulsen-test', folder])
  server = await startServer(folder, credentials)
})
afterAll(async () => {
  await server?.stop()
  execFileSync('umount', [folder])
  rmSync(folder, { recursive: true, force: true })
})

const put = async (wav: Buffer) => {
  const headers = { authorization: credentials.authorization, 'content-type': 'audio/wav' }
  const response = await fetch(`${server.url}/v1/recordings`, { method: 'POST', headers, body: Buffer.from(wav) })
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, unknown>,
  }
}
const mediaFiles = () =>
  execFileSync('find', [join(folder, 'media'), '-type', 'f', '-size', '+100k'])
    .toString()
    .split('\n')
    .filter(Boolean)

describe('a full disk', () => {
  it('refuses uploads with 503 and a hint, stores nothing half, reads on, and takes uploads when space returns', async () => {
    const first = await put(wavOf(1, 2 * MEBIBYTE))
    expect(first.status).toBe(201)
    const ballast = join(folder, 'ballast')
    const free = Number(execFileSync('df', ['--output=avail', '-B1', folder]).toString().split('\n')[1])
    writeFileSync(ballast, Buffer.alloc(free - 3 * MEBIBYTE))

    const refused = await put(wavOf(2, 8 * MEBIBYTE))
    expect(refused.status).toBe(503)
    expect(refused.headers.get('retry-after')).toMatch(/^\d+$/)
    expect(JSON.stringify(refused.body)).toContain('MEDIA_DISK_FULL')
    expect(mediaFiles()).toHaveLength(1)

    const media = await fetch(first.body.url as string)
    expect(Buffer.from(await media.bytes()).equals(wavOf(1, 2 * MEBIBYTE))).toBe(true)

    rmSync(ballast)
    expect((await put(wavOf(3, 4 * MEBIBYTE))).status).toBe(201)
    expect(mediaFiles()).toHaveLength(2)
  })
})
