import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { waitFor } from '../../support/wait-for.ts'
import type { LiveServer } from './live-server.ts'

/** What a process has open and in memory. */
export interface ProcessUse {
  readonly fileDescriptors: number
  readonly threads: number
  readonly residentBytes: number
}

/** The processes in which a server speaks WebRTC; one, unless something is wrong. */
export const transportsOf = (serverPid: number): readonly number[] =>
  execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line))
    .filter((found) => Number(found?.[2]) === serverPid && found?.[3]?.includes('webrtc-transport'))
    .map((found) => Number(found?.[1]))

/** The one process in which a server speaks WebRTC, when there is one. */
export const transportOf = ({ server }: LiveServer): Promise<number> =>
  waitFor(() => {
    const [pid, ...others] = transportsOf(server.pid)
    if (others.length > 0) throw new Error(`more than one: ${[pid, ...others]}`)
    return pid
  })

/** True until it is gone; who has ended and is not yet waited for is gone. */
export const isRunning = (pid: number): boolean => {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

/** What a process uses now. */
export const useOfProcess = (pid: number): ProcessUse => {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const numberOf = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1])
  return {
    fileDescriptors: readdirSync(`/proc/${pid}/fd`).length,
    threads: numberOf('Threads'),
    residentBytes: numberOf('VmRSS') * 1024,
  }
}

/** The UDP port that a server takes media of peers on, as it says. */
export const mediaPortOf = ({ server }: LiveServer): number =>
  Number(/media on udp:127\.0\.0\.1:(\d+)/.exec(server.output())?.[1])
