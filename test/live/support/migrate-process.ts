import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { waitFor } from '../../support/wait-for.ts'

/** What a run printed with `--json`. */
export interface MigrationOutcome {
  readonly complete: boolean
  readonly source_served: boolean
  readonly copied: number
  readonly removed: number
  readonly unchanged: number
  readonly left_count: number
  readonly wrong_count: number
}

/** Where from and where to, and the environment that says who asks. */
export interface MigrateOptions {
  readonly from: readonly string[]
  readonly to: readonly string[]
  readonly environment: Readonly<Record<string, string>>
}

/** Counting takes from the machine what the migration could have. */
const COUNT_EVERY_MS = 50
const LONG_MS = 1_200_000

const start = ({ from, to, environment }: MigrateOptions): ChildProcess =>
  spawn(process.execPath, ['src/main.ts', 'migrate', '--from', ...from, '--to', ...to, '--json'], {
    env: { PATH: process.env.PATH ?? '', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })

/** Runs `poulsen migrate` to its end; its exit code and what it printed. */
export const runMigrate = async (options: MigrateOptions): Promise<MigrationOutcome & { readonly code: number }> => {
  const child = start(options)
  const printed = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      printed[name] += text
    })
  const [code] = (await once(child, 'close')) as [number]
  if (printed.stdout === '') throw new Error(`exit code ${code}: ${printed.stderr}`)
  return { code, ...(JSON.parse(printed.stdout) as MigrationOutcome) }
}

/** Starts it and kills it (SIGKILL) as soon as `countDone` says that so many recordings are at the target. False when it had ended before. */
export const killMigrateAt = async (
  options: MigrateOptions,
  count: number,
  countDone: () => Promise<number>,
): Promise<boolean> => {
  const child = start(options)
  const exited = once(child, 'exit')
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null
  await waitFor(async () => {
    await delay(COUNT_EVERY_MS)
    return hasEnded() || (await countDone()) >= count || undefined
  }, LONG_MS)
  child.kill('SIGKILL')
  await exited
  return child.signalCode === 'SIGKILL'
}
