import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { waitFor } from '../support/wait-for.ts'
import { makeCredentials, startServer } from './support/server.ts'

const folders: string[] = []
let taken: Socket | undefined
afterEach(() => {
  taken?.close()
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** Transport processes whose server is gone; other tests' servers have theirs. */
const orphans = (): readonly number[] =>
  readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0)
    .filter((pid) => {
      try {
        const isTransport = readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('webrtc-transport')
        return isTransport && /^PPid:\s+1$/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
      } catch {
        return false
      }
    })

it('a start that fails beside WebRTC ends, with one clear line, and leaves no process behind', async () => {
  taken = createSocket('udp4')
  taken.bind(0, '127.0.0.1')
  await once(taken, 'listening')
  const folder = mkdtempSync(join(tmpdir(), 'poulsen-acceptance-'))
  folders.push(folder)
  const { port } = taken.address()
  const started = startServer(folder, makeCredentials(), {
    POULSEN_SIP_LISTEN: `udp:127.0.0.1:${port}`,
    POULSEN_WEBRTC_LISTEN: '127.0.0.1:0',
  })
  await expect(started).rejects.toThrow(/exit code 5: .*already in use/s)
  await waitFor(async () => (orphans().length === 0 ? true : undefined), 5_000)
}, 30_000)
