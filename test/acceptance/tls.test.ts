import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { requireProgram } from './support/debian.ts'
import { makeCredentials, type RunningServer, startServer } from './support/server.ts'
import { wavOf } from './support/wav.ts'

const PATH = '/api/relay/rest/recordings'
const folder = mkdtempSync(join(tmpdir(), 'poulsen-tls-'))
const credentials = makeCredentials()
const live = join(folder, 'live')
let server: RunningServer

/** Makes a certificate and its key under this name. */
const makeCertificate = (name: string): string => {
  const path = join(folder, name)
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', `${path}.key`]
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1', '-out', `${path}.crt`]
  const openssl = requireProgram('/usr/bin/openssl', 'openssl')
  execFileSync(openssl, ['req', '-x509', '-days', '2', ...key, ...subject], { stdio: 'pipe' })
  return path
}

const install = (from: string, ...endings: readonly string[]) => {
  for (const ending of endings) copyFileSync(from + ending, live + ending)
}

let first: string
let second: string
beforeAll(async () => {
  first = makeCertificate('first')
  second = makeCertificate('second')
  install(first, '.key', '.crt')
  const environment = { POULSEN_TLS_CERT: `${live}.crt`, POULSEN_TLS_KEY: `${live}.key` }
  server = await startServer(join(folder, 'data'), credentials, environment)
}, 300_000)
afterAll(async () => {
  await server?.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** A client that trusts only this certificate, with connections of its own that it keeps. */
const trusting = (certificate: string) => {
  const agent = new Agent({ ca: readFileSync(`${certificate}.crt`), keepAlive: true, maxSockets: 1 })
  const ask = async (
    url: string,
    options: { method?: string; body?: Buffer; headers?: Record<string, string> } = {},
  ) => {
    const { method = 'GET', body, headers = { authorization: credentials.authorization } } = options
    const sent = request(url, { method, headers, agent }).end(body)
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    const bytes = Buffer.concat((await response.toArray()) as Buffer[])
    return { status: response.statusCode, bytes, isReused: sent.reusedSocket }
  }
  return { ask, close: () => agent.destroy() }
}

describe('over TLS', () => {
  it('a recording goes in and comes out, and its url says https, on the short way and on the long one', async () => {
    const { ask, close } = trusting(readFileSync(`${live}.crt`).equals(readFileSync(`${first}.crt`)) ? first : second)
    const audio = wavOf(1, 300_000)
    const stored = await ask(`${server.url}/v1/recordings`, { method: 'POST', body: audio })
    expect(stored.status).toBe(201)
    const { id, url } = JSON.parse(stored.bytes.toString()) as { id: string; url: string }
    expect(new URL(url).origin).toBe(server.url)
    expect(server.url).toMatch(/^https:/)
    for (const query of ['', '?']) {
      const found = await ask(`${server.url}${PATH}/${id}${query}`)
      expect(JSON.parse(found.bytes.toString())).toMatchObject({ id, url })
    }
    const media = await ask(url, { headers: {} })
    expect([media.status, media.bytes.equals(audio)]).toEqual([200, true])
    close()
  })

  it('a renewal serves new connections, and cuts none that are open', { timeout: 30_000 }, async () => {
    install(first, '.key', '.crt')
    const [before, after] = [trusting(first), trusting(second)]
    const isServed = ({ ask }: ReturnType<typeof trusting>) =>
      ask(`${server.url}/healthz`).then(
        ({ status }) => status === 200,
        () => false,
      )
    await expect.poll(() => isServed(before), { timeout: 10_000 }).toBe(true)
    // Half a renewal: the certificate is there, its key is not yet.
    install(second, '.crt')
    await expect.poll(() => server.output(), { timeout: 10_000 }).toContain('not reloaded')
    const late = trusting(first)
    expect([await isServed(late), await isServed(after)]).toEqual([true, false])
    install(second, '.key')
    await expect.poll(() => isServed(after), { timeout: 10_000 }).toBe(true)
    expect(await before.ask(`${server.url}/healthz`)).toMatchObject({ status: 200, isReused: true })
    for (const client of [before, late, after]) client.close()
  })
})
