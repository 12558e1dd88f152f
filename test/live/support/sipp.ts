import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { requireProgram } from '../../acceptance/support/debian.ts'
import { type ProgramRun, runProgram } from './program.ts'

const SCENARIO = resolve('test/live/support/sipp/call.xml')
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
}

/** SIPp calls once and plays its media; resolves when it has ended, with the Call-ID. Installs SIPp when it is not there. */
export const callWithSipp = async (call: SippCall): Promise<ProgramRun & { readonly callId: string }> => {
  const { port, transport, media, rtpPort } = call
  const sipp = requireProgram('/usr/bin/sipp', 'sip-tester')
  const folder = mkdtempSync(join(tmpdir(), 'poulsen-sipp-'))
  const callId = randomUUID()
  try {
    writeFileSync(join(folder, 'media.ulaw'), media)
    const way = ['-i', LOOPBACK, '-mi', LOOPBACK, '-mp', `${rtpPort}`, '-t', transport === 'udp' ? 'u1' : 't1']
    const lastsMs = media.length / 8 + LINGER_MS
    const plan = ['-m', '1', '-d', `${lastsMs}`, '-cid_str', callId, '-nostdin', '-sf', SCENARIO]
    const run = await runProgram(sipp, [`${LOOPBACK}:${port}`, ...way, ...plan], {
      cwd: folder,
      deadlineMs: lastsMs + DEADLINE_MS,
      env: { ...process.env, TERM: 'dumb' },
    })
    return { ...run, callId }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
