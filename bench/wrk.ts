import { execFile } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A load of GETs over `paths`, picked at random, for some seconds from one thread on the second core. */
export interface Load {
  readonly origin: string
  readonly paths: readonly string[]
  readonly headers?: Readonly<Record<string, string>>
  readonly connections?: number
  readonly seconds?: number
}

/** What wrk measured; answers outside 2xx and 3xx make it throw. */
export interface Rate {
  readonly requestsPerSecond: number
  readonly bytesPerSecond: number
}

const SCRIPT = `
local paths = {}
function init(args)
  for line in io.lines(args[1]) do paths[#paths + 1] = line end
  math.randomseed(42)
end
function request()
  return wrk.format("GET", paths[math.random(#paths)])
end
function done(summary, latency, requests)
  io.write(string.format('{"requests":%d,"bytes":%d,"us":%d,"bad":%d}\\n', summary.requests, summary.bytes, summary.duration,
    summary.errors.status + summary.errors.read + summary.errors.write + summary.errors.timeout + summary.errors.connect))
end
`

const folder = mkdtempSync(join(tmpdir(), 'poulsen-wrk-'))
let lists = 0

/** Runs wrk. Throws when it is not installed (Debian: wrk, util-linux) or when an answer was an error. */
export const measure = async (load: Load): Promise<Rate> => {
  const script = join(folder, 'load.lua')
  // Loads may run side by side.
  const list = join(folder, `paths-${lists++}.txt`)
  writeFileSync(script, SCRIPT)
  writeFileSync(list, `${load.paths.join('\n')}\n`)
  const headers = Object.entries(load.headers ?? {}).flatMap(([name, value]) => ['-H', `${name}: ${value}`])
  const shape = ['-t1', `-c${load.connections ?? 32}`, `-d${load.seconds ?? 5}s`, '--timeout', '10s']
  const { stdout } = await run('taskset', [
    '-c',
    '1',
    'wrk',
    ...shape,
    ...headers,
    '-s',
    script,
    load.origin,
    '--',
    list,
  ])
  const { requests, bytes, us, bad } = JSON.parse(stdout.slice(stdout.lastIndexOf('{'))) as Record<string, number>
  if (bad !== 0 || !requests || !us || bytes === undefined) throw new Error(`wrk: ${bad} bad answers\n${stdout}`)
  return { requestsPerSecond: (requests / us) * 1e6, bytesPerSecond: (bytes / us) * 1e6 }
}
