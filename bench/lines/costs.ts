import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { CallGenerator } from '../../src/caller/place-call.ts'
import { PostgresServer } from '../../test/support/postgres.ts'
import { figure, type Line } from '../line.ts'
import { type Installation, install } from '../poulsen.ts'
import type { Subject } from '../processes.ts'
import { costsOfRows } from './costs-of-rows.ts'

const SIP_PORT = Number(process.env.BENCH_SIP_PORT ?? 15_180)
const CALLS = 200
const CALL_MS = 45_000
const SETTLED_MS = 10_000
const MEASURED_MS = 20_000
const KIB = 1024

/** What one of each thing costs: what `npm run sizing` multiplies. The figures are of their own kind, not ratios. */
export const measureCosts = async (): Promise<readonly Line[]> => {
  const postgres = await PostgresServer.start()
  try {
    const database = await postgres.database()
    const installation = install({ POULSEN_CATALOGUE: database })
    return [...(await costsOfCalls(installation)), ...(await costsOfRows(database, postgres.pid))]
  } finally {
    await postgres.stop()
  }
}

/** Calls of one G.711 stream: what each writes and keeps in memory. */
const costsOfCalls = async (installation: Installation): Promise<readonly Line[]> => {
  await using server = await installation.start({
    POULSEN_SIP_LISTEN: `udp:127.0.0.1:${SIP_PORT}`,
    POULSEN_LOG_LEVEL: 'error',
  })
  const idle = useOf(server)
  const generator = await CallGenerator.open({ target: `sip:127.0.0.1:${SIP_PORT}` })
  const calls = await Promise.all(
    Array.from({ length: CALLS }, (_, seed) => generator.start({ durationMs: CALL_MS, seed: seed + 1 })),
  )
  await delay(SETTLED_MS)
  const begun = useOf(server)
  await delay(MEASURED_MS)
  const over = useOf(server)
  for (const call of calls) if (call.kind === 'running') await call.outcome
  generator.close()
  const written = (over.writtenBytes - begun.writtenBytes) / CALLS / ((over.atMs - begun.atMs) / 1000)
  return [
    figure('disk written for a G.711 stream, journal and file', written / KIB, 'KiB/s'),
    figure('memory of a stream that is being recorded', (over.rssKib - idle.rssKib) / CALLS, 'KiB'),
  ]
}

const useOf = ({ pid }: Subject) => ({
  atMs: performance.now(),
  // What is handed to the kernel: not every machine counts what reaches the disk.
  writtenBytes: Number(/^wchar: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1]),
  rssKib: Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]),
})
