import { once } from 'node:events'
import { readFileSync, statfsSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { describe, expect, it } from 'vitest'
import { useServer } from './support/suite.ts'
import { wavOf } from './support/wav.ts'

const suite = useServer()
const GIBIBYTE = 1024 ** 3
const BODY_BYTES = 2 * GIBIBYTE
const HEADER_BYTES = 44
const BYTES_PER_SECOND = 16_000
const ABOVE_IDLE_MAX_BYTES = 64 * 1024 ** 2

/** What the server's process holds in memory now (`VmRSS`), or the most that it ever held (`VmHWM`). */
const memoryBytes = (line: 'VmRSS' | 'VmHWM'): number =>
  Number(new RegExp(`${line}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${suite.server.pid}/status`, 'utf8'))?.[1]) * 1024

/** Makes the kernel begin `VmHWM` anew (proc(5), clear_refs). */
const forgetMost = (): void => writeFileSync(`/proc/${suite.server.pid}/clear_refs`, '5')

/** Sends a WAV of zeros of this size, as fast as it is taken; the answer. */
const uploadZeros = async (byteSize: number) => {
  const { url, credentials } = suite.client
  const headers = { authorization: credentials.authorization, 'content-type': 'audio/wav', 'content-length': byteSize }
  const sent = request(`${url}/v1/recordings`, { method: 'POST', headers })
  const answered = once(sent, 'response')
  // The header says nothing of the length, as that of a PBX that died.
  const header = wavOf(1, HEADER_BYTES + 2).subarray(0, HEADER_BYTES)
  header.writeUInt32LE(0xffff_ffff, 40)
  sent.write(header)
  const zeros = Buffer.alloc(1024 ** 2)
  for (let left = byteSize - HEADER_BYTES; left > 0; left -= zeros.length) {
    if (!sent.write(zeros.subarray(0, left))) await once(sent, 'drain')
  }
  sent.end()
  const [response] = (await answered) as [import('node:http').IncomingMessage]
  const chunks = (await response.toArray()) as Buffer[]
  const json = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>
  return { status: response.statusCode, json }
}

describe('an upload of 2 GiB', () => {
  it('takes at most 64 MiB above idle, and can be read near its end', { timeout: 120_000 }, async () => {
    const { bavail, bsize } = statfsSync(suite.dataDir)
    expect(bavail * bsize, `free bytes in ${suite.dataDir}`).toBeGreaterThan(BODY_BYTES + GIBIBYTE / 4)
    await uploadZeros(20_000_000)
    const idle = memoryBytes('VmRSS')
    forgetMost()
    const { status, json } = await uploadZeros(BODY_BYTES)
    expect([status, json.byte_size]).toEqual([201, BODY_BYTES])
    expect(json.duration_in_seconds).toBe(Math.round((BODY_BYTES - HEADER_BYTES) / BYTES_PER_SECOND))
    const most = memoryBytes('VmHWM')
    expect(most - idle).toBeLessThan(ABOVE_IDLE_MAX_BYTES)
    const { pathname, search } = new URL(json.url as string)
    const tail = await suite.client.get(pathname + search, { range: `bytes=${BODY_BYTES - 10}-` })
    expect([tail.status, tail.bytes.length]).toEqual([206, 10])
    expect((await suite.client.ask({ method: 'DELETE', path: `/api/relay/rest/recordings/${json.id}` })).status).toBe(
      204,
    )
  })
})
