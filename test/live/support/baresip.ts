import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { requireProgram } from '../../acceptance/support/debian.ts'
import { type ProgramRun, runProgram } from './program.ts'
import { wavTone } from './tone.ts'

const MODULES = '/usr/lib/baresip/modules'
const DEADLINE_MS = 20_000

/** One call of baresip. */
export interface BaresipCall {
  /** Whom it calls. */
  readonly uri: string
  /** User part of its own address. */
  readonly user: string
  /** As baresip writes it: `opus/48000/2`. */
  readonly codec: string
  readonly sampleRateHz: number
  readonly frequencyHz: number
  readonly seconds: number
  /** First and last UDP port of its media. */
  readonly rtpPorts: readonly [number, number]
}

const configOf = ({ sampleRateHz, rtpPorts }: BaresipCall, tone: string): string =>
  [
    'sip_listen 127.0.0.1:0',
    'call_local_timeout 20',
    'call_max_calls 1',
    `audio_source aufile,${tone}`,
    `ausrc_srate ${sampleRateHz}`,
    'ausrc_channels 1',
    'audio_level no',
    `rtp_ports ${rtpPorts.join('-')}`,
    'rtcp_mux yes',
    'rtp_stats yes',
    `module_path ${MODULES}`,
    ...['g711', 'g722', 'opus', 'aufile'].map((name) => `module ${name}.so`),
    ...['uuid', 'account'].map((name) => `module_tmp ${name}.so`),
    'module_app menu.so',
  ].join('\n')

/** baresip calls, plays a tone and hangs up. Resolves with how many RTP packets it says it sent. Installs baresip when it is not there. */
export const callWithBaresip = async (
  call: BaresipCall,
): Promise<ProgramRun & { readonly packets: number | undefined }> => {
  const { user, codec, uri, seconds, frequencyHz, sampleRateHz } = call
  const baresip = requireProgram('/usr/bin/baresip', 'baresip-core')
  const folder = mkdtempSync(join(tmpdir(), 'poulsen-baresip-'))
  try {
    const tone = join(folder, 'tone.wav')
    writeFileSync(tone, wavTone({ frequencyHz, sampleRateHz, durationMs: (seconds + 2) * 1000 }))
    writeFileSync(join(folder, 'config'), `${configOf(call, tone)}\n`)
    writeFileSync(join(folder, 'accounts'), `<sip:${user}@127.0.0.1>;regint=0;audio_codecs=${codec}\n`)
    writeFileSync(join(folder, 'contacts'), '')
    const args = ['-4', '-f', folder, '-t', `${seconds}`, '-e', `/dial ${uri}`]
    const run = await runProgram(baresip, args, { cwd: folder, deadlineMs: seconds * 1000 + DEADLINE_MS })
    const packets = /packets:\s+(\d+)/.exec(run.output)?.[1]
    return { ...run, packets: packets === undefined ? undefined : Number(packets) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
