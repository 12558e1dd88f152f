import { statSync } from 'node:fs'
import type { Command } from 'commander'
import { PoulsenError } from '../../domain/errors.ts'
import type { Project } from '../../domain/project.ts'
import type { Trunk } from '../../domain/trunk.ts'
import { parseUuid, type Uuid } from '../../domain/uuid.ts'
import { type Config, readConfig } from '../../ops/config.ts'
import type { Disk } from '../../ports/disk.ts'
import type { Explanation } from '../../protocol/siprec/explanation.ts'
import type { NoInvite } from '../../protocol/siprec/pasted-invite.ts'
import type { BackupReport } from '../../services/backing-up.ts'
import type { MigrationListener, MigrationReport } from '../../services/migration/migrate.ts'
import type { Services } from '../../services/services.ts'
import type { MigrationSides } from './migration-side.ts'
import type { Terminal } from './terminal.ts'

/** What the command line is given by the program's composition. */
export interface CliDependencies extends Terminal {
  readonly version: string
  /** What a secret is read from; opened only when one is. */
  readonly openStdin: () => NodeJS.ReadableStream
  /** Opens the use cases over a data folder. Takes no server lock: commands work beside a running server. */
  readonly openServices: (config: Config) => Promise<Services>
  /** Backs up a data folder. */
  readonly backUp: (
    config: Config,
    options: {
      readonly folder: string
      readonly onBegin: (byteSize: number) => void
      readonly onProgress: (byteSize: number) => void
    },
  ) => Promise<BackupReport>
  /** The capture folder of a data folder, for reading. */
  readonly openCaptureDisk: (dataDir: string) => Promise<Disk>
  /** What the SIP server would make of an INVITE that comes by such a trunk, or why it is none. */
  readonly explainInvite: (
    bytes: Uint8Array,
    trunk: Pick<Trunk, 'layout' | 'codecs' | 'requiresSecureMedia'>,
  ) => Promise<Explanation | NoInvite>
  /** Makes one side what the other is. */
  readonly migrate: (sides: MigrationSides, listener: MigrationListener) => Promise<MigrationReport>
  /** Runs the server until a signal. */
  readonly serve: (config: Config) => Promise<void>
  /** Runs the demonstration, a line at a time; one that `stays` ends with a signal. */
  readonly demo: (print: (line: string) => void, stays: boolean) => Promise<void>
}

/** The flags that every command on a data folder has. */
export interface CommonFlags {
  readonly dataDir?: string
  readonly json?: boolean
  readonly project?: string
}

/** What a command's action works with. */
export interface Context extends CliDependencies {
  /** Sets the exit code of a command that ran to its end; 0 unless said. */
  readonly exitWith: (code: number) => void
}

/** Adds `--data-dir` and `--json`. */
export const withCommonFlags = (command: Command): Command =>
  command
    .option('--data-dir <path>', 'folder of the catalogue and the media (POULSEN_DATA_DIR, default ./data)')
    .option('--json', 'print JSON')

/** The refusal of a wrong argument. */
export const usage = (message: string, hint?: string): PoulsenError =>
  new PoulsenError({ code: 'USAGE_INVALID', kind: 'invalid', message, ...(hint !== undefined && { hint }) })

const isAbsent = (path: string): boolean => {
  try {
    statSync(path)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT'
  }
}

const absent = (dataDir: string): PoulsenError =>
  new PoulsenError({
    code: 'DATA_DIR_UNUSABLE',
    kind: 'unavailable',
    message: `The data folder ${dataDir} cannot be used: it does not exist.`,
    hint: 'Set --data-dir or POULSEN_DATA_DIR to the folder that the server has.',
  })

/** The configuration, for a data folder that is there. Throws DATA_DIR_UNUSABLE. */
export const requireData = (flags: CommonFlags): Config => {
  const config = readConfig({ dataDir: flags.dataDir })
  if (isAbsent(config.dataDir)) throw absent(config.dataDir)
  return config
}

/**
 * Opens the services for one command and closes them after it, whatever happens. Only a command that `creates` makes a data folder: to any
 * other, one that is not there is a slip of the pen. Throws DATA_DIR_UNUSABLE.
 */
export const withServices = async <T>(
  context: Context,
  flags: CommonFlags,
  run: (services: Services) => Promise<T>,
  { creates = false } = {},
): Promise<T> => {
  const config = creates ? readConfig({ dataDir: flags.dataDir }) : requireData(flags)
  const services = await context.openServices(config)
  try {
    return await run(services)
  } finally {
    await services.close()
  }
}

/** Prints a value: as JSON when asked to, else as the text that `show` makes of it. */
export const print = <T>({ stdout }: Terminal, flags: CommonFlags, value: T, show: (value: T) => string): void => {
  stdout.write(`${flags.json ? JSON.stringify(value, null, 2) : show(value)}\n`)
}

/** A UUID from the command line. Throws USAGE_INVALID that names the argument. */
export const requireUuid = (text: string, name: string): Uuid => {
  const id = parseUuid(text)
  if (!id) throw usage(`${name} must be a UUID, not ${text}.`)
  return id
}

const NAME = /^[^\p{Cc}]{1,200}$/u

/** A name for people: 1 to 200 characters on one line. Throws USAGE_INVALID. */
export const requireName = (text: string): string => {
  if (NAME.test(text) && text.trim() !== '') return text
  throw usage('--name must be a text of 1 to 200 characters on one line.')
}

/** One of several words from the command line. Throws USAGE_INVALID that names the argument and the words. */
export const requireWord = <T extends string>(text: string, name: string, words: readonly T[]): T => {
  const found = words.find((word) => word === text)
  if (!found) throw usage(`${name} must be one of ${words.join(', ')}, not ${text}.`)
  return found
}

/** The project that `--project` names, or the only one there is. Throws USAGE_INVALID or PROJECT_NOT_FOUND. */
export const requireProject = async (services: Services, flags: CommonFlags): Promise<Project> => {
  if (flags.project !== undefined) {
    const project = await services.projects.find(requireUuid(flags.project, '--project'))
    if (project) return project
    throw new PoulsenError({
      code: 'PROJECT_NOT_FOUND',
      kind: 'not-found',
      message: `There is no project ${flags.project}.`,
      hint: 'See `poulsen project list`.',
    })
  }
  const [only, ...others] = await services.projects.list()
  if (only && others.length === 0) return only
  throw usage(
    only ? 'There are several projects; say which with --project <id>.' : 'There is no project yet.',
    'See `poulsen project list`.',
  )
}
