import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { LiveServer } from './live-server.ts'

/** What a server has open and in memory. */
export interface ServerUse {
  readonly fileDescriptors: number
  /** UDP sockets on media ports. */
  readonly mediaPorts: number
  /** As its own metrics say. */
  readonly calls: number
  readonly growingFiles: number
  readonly residentBytes: number
}

/** What a live server uses now; `media` are its media ports, which nobody else has. */
export const useOf = async (
  live: LiveServer,
  media: { readonly first: number; readonly last: number },
): Promise<ServerUse> => {
  const { pid, url } = live.server
  const metrics = await (await fetch(new URL('/metrics', url), { headers: { connection: 'close' } })).text()
  return {
    fileDescriptors: readdirSync(`/proc/${pid}/fd`).length,
    mediaPorts: boundPorts().filter((port) => port >= media.first && port <= media.last).length,
    calls: Number(/^poulsen_sip_calls(?:\{[^}]*\})? (\d+)/m.exec(metrics)?.[1]),
    growingFiles: readdirSync(join(live.dataDir, 'capture', 'recordings')).length,
    residentBytes: Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024,
  }
}

/** Local ports of all UDP sockets of this machine. */
const boundPorts = (): readonly number[] =>
  readFileSync('/proc/net/udp', 'utf8')
    .split('\n')
    .slice(1)
    .flatMap((line) => /^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) /.exec(line)?.[1] ?? [])
    .map((port) => Number.parseInt(port, 16))
