import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import type { SrtpKey } from '../src/audio/srtp/srtp-key.ts'
import { temporaryFolder } from './processes.ts'

/** Socket buffers hold seconds of a stream: what is only not lost yet shows by how late a recorder is. The promise allows no more. */
export const LAG_MAX_SECONDS = 0.25

/** What is sent: one of the codecs that are stored as they come. */
export const PAYLOADS = {
  PCMU: { payloadBytes: 160, payloadType: 0, ticks: 160 },
  opus: { payloadBytes: 80, payloadType: 111, ticks: 960 },
} as const

const forkOn = (core: number, file: string, environment: Readonly<Record<string, string>> = {}): ChildProcess =>
  fork(file, [], {
    serialization: 'advanced',
    execPath: 'taskset',
    execArgv: ['-c', String(core), process.execPath],
    env: { PATH: process.env.PATH ?? '', ...environment },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })

const answerOf = async <T>(child: ChildProcess): Promise<T> => (await once(child, 'message'))[0] as T

/** Sends one stream to each port from core 1 for a time, secured when there are keys; the packets that went out. */
export const sendStreams = async (
  ports: readonly number[],
  seconds: number,
  codec: keyof typeof PAYLOADS,
  keys?: readonly SrtpKey[],
): Promise<number> => {
  const sender = forkOn(1, 'bench/rtp-load.ts')
  sender.send({ ports, seconds, ...PAYLOADS[codec], ...(keys && { keys }) })
  const sent = await answerOf<number>(sender)
  sender.kill()
  return sent
}

/** Packets that a bare sink on core 0 did not get of so many streams. */
export const lostByBareSink = async (
  streams: number,
  seconds: number,
  codec: keyof typeof PAYLOADS,
): Promise<number> => {
  const sink = forkOn(0, 'bench/bare-rtp.ts', { STREAMS: String(streams), FOLDER: temporaryFolder() })
  const ports = await answerOf<readonly number[]>(sink)
  const [before, begunMs] = [cpuSeconds(sink.pid ?? 0), performance.now()]
  const sent = await sendStreams(ports, seconds, codec)
  const cpu = (cpuSeconds(sink.pid ?? 0) - before) / ((performance.now() - begunMs) / 1000)
  console.error(`bench: bare sink, ${streams} streams ${codec}: ${Math.round(cpu * 100)} % of the core`)
  const answer = answerOf<{ readonly packets: number; readonly lagMs: number }>(sink)
  sink.send('how many')
  const { packets, lagMs } = await answer
  sink.kill()
  // Held to the same promise as we are: what waits in socket buffers is not recorded yet.
  return lagMs > LAG_MAX_SECONDS * 1000 ? Number.POSITIVE_INFINITY : sent - packets
}

/** Processor time of a process and its threads so far, in seconds. */
export const cpuSeconds = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  const TICKS_PER_SECOND = 100
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

/** Processor time that a process and those that it has started have taken. */
export const cpuSecondsOfTree = (pid: number): number =>
  [pid, ...childrenOf(pid)].reduce((sum, each) => sum + cpuSeconds(each), 0)

/** Processes that a process has started and that still run. */
export const childrenOf = (pid: number): readonly number[] =>
  readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number),
  )
