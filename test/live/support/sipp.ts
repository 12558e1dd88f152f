import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { requireProgram } from '../../acceptance/support/debian.ts'
import { type ProgramRun, runProgram } from './program.ts'

const SCENARIOS = resolve('test/live/support/sipp')
const LOOPBACK = '127.0.0.1'
/** Between the answer and the last packet of the media there may be this much. */
const LINGER_MS = 400
const DEADLINE_MS = 20_000

/** One call of SIPp. */
export interface SippCall {
  readonly port: number
  readonly transport: 'udp' | 'tcp'
  /** Naked µ-law, 8 kHz: sent once, in packets of 20 ms. */
  readonly media: Uint8Array
  /** Even; SIPp takes the ports above it, too. */
  readonly rtpPort: number
  /** `call` unless said. */
  readonly scenario?: 'call' | 'siprec'
  /** What the scenario has in brackets by these names. */
  readonly keys?: Readonly<Record<string, string>>
}

/** SIPp calls once and plays its media; resolves when it has ended, with the Call-ID. Installs SIPp when it is not there. */
export const callWithSipp = async (call: SippCall): Promise<ProgramRun & { readonly callId: string }> => {
  const { port, transport, media, rtpPort, scenario = 'call', keys = {} } = call
  const sipp = requireProgram('/usr/bin/sipp', 'sip-tester')
  const folder = mkdtempSync(join(tmpdir(), 'poulsen-sipp-'))
  const callId = randomUUID()
  try {
    writeFileSync(join(folder, 'media.ulaw'), media)
    const way = ['-i', LOOPBACK, '-mi', LOOPBACK, '-mp', `${rtpPort}`, '-t', transport === 'udp' ? 'u1' : 't1']
    const lastsMs = media.length / 8 + LINGER_MS
    const plan = [
      '-m',
      '1',
      '-d',
      `${lastsMs}`,
      '-cid_str',
      callId,
      '-nostdin',
      '-sf',
      join(SCENARIOS, `${scenario}.xml`),
    ]
    const named = Object.entries(keys).flatMap(([name, value]) => ['-key', name, value])
    const run = await runProgram(sipp, [`${LOOPBACK}:${port}`, ...way, ...plan, ...named], {
      cwd: folder,
      deadlineMs: lastsMs + DEADLINE_MS,
      env: { ...process.env, TERM: 'dumb' },
    })
    return { ...run, callId }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
