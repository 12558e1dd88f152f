import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { formatNumber, type Line, median } from '../line.ts'
import { install } from '../poulsen.ts'
import { cpuSecondsOfTree } from '../rtp-processes.ts'

const SESSIONS = 50
const SECONDS = 20
const ROUNDS = 5

interface Round {
  /** Of one core, a session. */
  readonly cpu: number
  readonly lost: number
}

/** Fifty browsers at once: packets lost, and the processor time of a session. The server with its transport runs on core 0, the publishers on core 1. */
export const measureWhip = async (): Promise<readonly Line[]> => {
  const rounds: Round[] = []
  for (let round = 0; round < ROUNDS; round += 1) rounds.push(await measureRound())
  const lost = rounds.reduce((sum, each) => sum + each.lost, 0)
  const cpu = rounds.map((each) => each.cpu * 100)
  return [
    {
      work: `${SESSIONS} WebRTC sessions at once, journal and group commit on`,
      against: '–',
      target: '0 packets lost',
      isReached: lost === 0,
      ours: `${lost} packets lost, ${formatNumber(median(cpu))} % of a core a session`,
      reference: '–',
      rounds: cpu,
    },
  ]
}

const measureRound = async (): Promise<Round> => {
  const installation = install()
  await using server = await installation.start({
    POULSEN_WEBRTC_LISTEN: '127.0.0.1:0',
    POULSEN_WEBRTC_POSTS_PER_SECOND: '1000',
    POULSEN_LOG_LEVEL: 'error',
  })
  const load = spawn(
    'taskset',
    [
      ...['-c', '1', process.execPath, 'bench/publish-load.ts'],
      ...[`${server.url}/whip/bench`, installation.token, String(SESSIONS), String(SECONDS)],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  let [begunMs, cpuBefore, cpu, sent] = [0, 0, 0, 0]
  for await (const line of createInterface({ input: load.stdout })) {
    if (line === 'running') [begunMs, cpuBefore] = [performance.now(), cpuSecondsOfTree(server.pid)]
    else if (line.startsWith('sent about'))
      cpu = (cpuSecondsOfTree(server.pid) - cpuBefore) / ((performance.now() - begunMs) / 1000) / SESSIONS
    else if (line.startsWith('sent ')) sent = Number(line.slice('sent '.length))
  }
  const metrics = await (await fetch(`${server.url}/metrics`)).text()
  const received = Number(/poulsen_rtp_packets_total\{outcome="received"\} (\d+)/.exec(metrics)?.[1] ?? 0)
  if (sent === 0 || cpu === 0) throw new Error('nothing was published')
  console.error(
    `bench: ${SESSIONS} sessions: ${sent - received} of ${sent} lost, ${formatNumber(cpu * 100)} % a session`,
  )
  return { cpu, lost: sent - received }
}
