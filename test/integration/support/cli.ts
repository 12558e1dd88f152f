import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, expect } from 'vitest'

const DEADLINE_MS = 25_000

/** What one command printed and how it ended. */
export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** The real command line on one data folder, each command in a process of its own. */
export interface Cli {
  readonly dataDir: string
  /** Runs one command to its end, whatever its exit code. */
  run(...args: string[]): Promise<Ran>
  /** The same with more environment. */
  runWith(environment: Readonly<Record<string, string>>, ...args: string[]): Promise<Ran>
  /** The same with a standard input. */
  runFed(input: string, ...args: string[]): Promise<Ran>
  /** Runs a command that must succeed, with `--json`, and gives what it printed. */
  json<T = Record<string, unknown>>(...args: string[]): Promise<T>
  /** Runs a command that must fail with this exit code, say nothing on stdout and one line (and at most a hint) on stderr: gives the line. */
  refused(code: number, ...args: string[]): Promise<string>
  /** Starts a command and does not wait for it. */
  start(...args: string[]): ChildProcess
  /** The same with more environment. */
  startWith(environment: Readonly<Record<string, string>>, ...args: string[]): ChildProcess
}

/** Where a test file's folders are; removed after its tests. */
export interface Folders {
  /** A folder that exists and is empty. */
  fresh(): string
  /** The command line on a fresh data folder. */
  cli(): Cli
  /** The same with one project in it, which charges half a dollar a minute. */
  cliWithProject(): Promise<Cli & { readonly projectId: string }>
}

/** Gives a test file its folders and removes them after it. */
export const useFolders = (): Folders => {
  const root = mkdtempSync(join(tmpdir(), 'poulsen-cli-'))
  afterAll(() => rmSync(root, { recursive: true, force: true }))
  const fresh = () => mkdtempSync(join(root, 'folder-'))
  const cliWithProject = async () => {
    const cli = cliOn(fresh())
    const made = await cli.json<{ id: string }>('project', 'create', '--recording-price-per-minute', '0.5')
    return { ...cli, projectId: made.id }
  }
  return { fresh, cli: () => cliOn(fresh()), cliWithProject }
}

/** The command line on a data folder. */
export const cliOn = (dataDir: string): Cli => {
  const start = (
    args: readonly string[],
    environment: Readonly<Record<string, string>> = {},
    stdin: 'ignore' | 'pipe' = 'ignore',
  ) =>
    spawn(process.execPath, ['src/main.ts', ...args], {
      env: { PATH: process.env.PATH ?? '', POULSEN_DATA_DIR: dataDir, ...environment },
      stdio: [stdin, 'pipe', 'pipe'],
      timeout: DEADLINE_MS,
      killSignal: 'SIGKILL',
    })
  const run = (...args: string[]) => finished(start(args))
  return {
    dataDir,
    run,
    runWith: (environment, ...args) => finished(start(args, environment)),
    runFed: (input, ...args) => {
      const child = start(args, {}, 'pipe')
      // Who has read enough may end before all of it is written.
      child.stdin?.on('error', () => {})
      child.stdin?.end(input)
      return finished(child)
    },
    json: async <T>(...args: string[]) => {
      const { code, stdout, stderr } = await run(...args, '--json')
      expect([code, stderr], args.join(' ')).toEqual([0, ''])
      return JSON.parse(stdout) as T
    },
    refused: async (code, ...args) => refusal(await run(...args), code, args),
    start: (...args) => start(args),
    startWith: (environment, ...args) => start(args, environment),
  }
}

/** Holds a finished command to what every refusal is: this code, nothing on stdout, one line and at most a hint on stderr. */
export const refusal = ({ code, stdout, stderr }: Ran, expected: number, args: readonly string[]): string => {
  const [line = '', ...more] = stderr.trimEnd().split('\n')
  expect([code, stdout], `${args.join(' ')}: ${stderr}`).toEqual([expected, ''])
  expect(line).toMatch(/^(poulsen|error): \S/)
  expect(
    more.filter((each) => !/^hint: \S/.test(each)),
    stderr,
  ).toEqual([])
  expect(more.length, stderr).toBeLessThanOrEqual(1)
  return line.replace(/^(poulsen|error): /, '')
}

const finished = async (child: ChildProcess): Promise<Ran> => {
  const printed = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      printed[name] += text
    })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, ...printed }
}

/** The files with bytes of recordings, finished ones only. */
export const mediaFiles = ({ dataDir }: Cli): string[] =>
  readdirSync(join(dataDir, 'media'), { recursive: true, encoding: 'utf8' })
    .map((name) => join(dataDir, 'media', name))
    .filter((path) => !basename(path).startsWith('.') && statSync(path).isFile())

/** A file of `test/golden/audio`. */
export const golden = (name: string): string => join('test/golden/audio', name)

/** SHA-256 of a file or of bytes, as hexadecimal digits. */
export const sha256 = (source: string | Uint8Array): string =>
  createHash('sha256')
    .update(typeof source === 'string' ? readFileSync(source) : source)
    .digest('hex')

export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
export const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

/** Changes one byte in the middle of a file. */
export const flipByte = (path: string): void => {
  const bytes = readFileSync(path)
  const at = bytes.length >> 1
  bytes[at] = (bytes[at] ?? 0) ^ 1
  writeFileSync(path, bytes)
}
