import { randomUUID } from 'node:crypto'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect } from 'vitest'
import { type Cli, type Folders, golden } from './cli.ts'

/** What tests read of a recording that `--json` prints; `file` only in a line of an export. */
export interface Line {
  readonly id: string
  readonly created_at: string
  readonly updated_at: string
  readonly sha256: string
  readonly file: string
}

/** What `recording import --json` prints, and the exit code. */
export interface Imported {
  readonly code: number | null
  readonly stored: number
  readonly repeated: number
  readonly failed: readonly { readonly file: string; readonly why: string }[]
}

/** Path below the tree → name of a golden file, bytes, or an object for a sidecar. */
export type TreeFiles = Readonly<Record<string, string | Uint8Array | object>>

/** Imports a tree, whatever comes of it. */
export const importOf = async (cli: Cli, tree: string, ...flags: string[]): Promise<Imported> => {
  const { code, stdout, stderr } = await cli.run('recording', 'import', tree, '--json', ...flags)
  expect(stderr).toBe('')
  return { code, ...(JSON.parse(stdout) as Omit<Imported, 'code'>) }
}

/** An import that left nothing out. */
export const done = (stored: number, repeated: number): Imported => ({ code: 0, stored, repeated, failed: [] })

/** Exports into a folder, which must succeed. */
export const exportOf = (cli: Cli, folder: string) =>
  cli.json<{ exported: number; kept: number; failed: readonly unknown[] }>('recording', 'export', folder)

/** The list of an export, as it is. */
export const listOf = (folder: string): string => readFileSync(join(folder, 'recordings.ndjson'), 'utf8')

/** The list of an export, line by line. */
export const linesOf = (folder: string): Line[] =>
  listOf(folder)
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)

/** Every recording, newest first. */
export const all = (cli: Cli, ...flags: string[]): Promise<Line[]> =>
  cli.json<Line[]>('recording', 'list', '--limit', '100000', ...flags)

/** Makers of trees below a test file's folders. */
export const useTrees = (folders: Folders) => {
  const treeOf = (files: TreeFiles): string => {
    const tree = folders.fresh()
    for (const [name, source] of Object.entries(files)) {
      const path = join(tree, name)
      mkdirSync(dirname(path), { recursive: true })
      if (typeof source === 'string') copyFileSync(golden(source), path)
      else writeFileSync(path, source instanceof Uint8Array ? source : JSON.stringify(source))
    }
    return tree
  }
  /** A data folder with six recordings that differ in everything that can differ. */
  const withVariety = async () => {
    const cli = await folders.cliWithProject()
    expect(await importOf(cli, treeOf(variety()))).toEqual(done(6, 0))
    return cli
  }
  return { treeOf, withVariety }
}

const variety = (): TreeFiles => ({
  'a.wav': 'mulaw-stereo-8k.wav',
  'a.wav.json': { track: 'inbound', relay_pstn_leg_id: randomUUID(), created_at: '1970-01-01T00:00:00.001Z' },
  'b.mp3': 'vbr-xing-44k.mp3',
  'b.mp3.json': {
    created_at: '2026-02-28T23:59:59.123Z',
    updated_at: '2026-03-01T08:00:00.999Z',
    status: 'completed',
    error_code: 'recovered',
    price: 0.031_25,
    relay_conference_id: randomUUID(),
  },
  'c.ogg': 'opus-stereo.ogg',
  'c.ogg.json': { track: 'outbound', relay_webrtc_leg_id: randomUUID(), created_at: '9999-12-31T23:59:59.999Z' },
  'd.ogg': 'vorbis-mono.ogg',
  // Of one millisecond: only the id orders them.
  'e.wav': 's24-mono-8k.wav',
  'e.wav.json': { created_at: '2026-02-02T02:02:02.002Z' },
  'f.wav': 's24-mono-8k.wav',
  'f.wav.json': { created_at: '2026-02-02T02:02:02.002Z' },
})
