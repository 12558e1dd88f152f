import type { Command } from 'commander'
import { PoulsenError } from '../../domain/errors.ts'
import type { Project, ProjectChanges } from '../../domain/project.ts'
import {
  type CommonFlags,
  type Context,
  print,
  requireName,
  requireUuid,
  withCommonFlags,
  withServices,
} from './context.ts'
import { formatTable } from './terminal.ts'

interface ProjectFlags extends CommonFlags {
  readonly id?: string
  readonly name?: string
  readonly protectRecordings?: boolean
  readonly mediaUrlTtl?: string
  readonly recordingPricePerMinute?: string
}

/** A project as it is printed; its media key never is. */
const show = ({ mediaKey: _hidden, createdAtMs, ...project }: Project) => ({
  ...project,
  createdAt: new Date(createdAtMs).toISOString(),
})

const table = (projects: readonly ReturnType<typeof show>[]): string =>
  formatTable(
    ['id', 'name', 'created', 'protected', 'url ttl', 'price/min'],
    projects.map((project) => [
      project.id,
      project.name,
      project.createdAt,
      project.protectRecordings ? 'yes' : 'no',
      project.mediaUrlTtlSeconds === undefined ? 'none' : `${project.mediaUrlTtlSeconds} s`,
      String(project.recordingPricePerMinute),
    ]),
  )

const requireNumber = (text: string, name: string, isAllowed: (value: number) => boolean, allowed: string): number => {
  const value = Number(text)
  if (text.trim() !== '' && isAllowed(value)) return value
  throw new PoulsenError({
    code: 'USAGE_INVALID',
    kind: 'invalid',
    message: `${name} must be ${allowed}, not ${text}.`,
  })
}

/** A century: longer than any client keeps a URL, and short of where numbers stop being exact. */
const TTL_MAX_SECONDS = 3_155_760_000

const parseTtl = (text: string): number | null =>
  text === 'none'
    ? null
    : requireNumber(
        text,
        '--media-url-ttl',
        (value) => Number.isInteger(value) && value > 0 && value <= TTL_MAX_SECONDS,
        'whole seconds or none',
      )

const parsePrice = (text: string): number =>
  requireNumber(
    text,
    '--recording-price-per-minute',
    (value) => Number.isFinite(value) && value >= 0,
    'a number from 0',
  )

const changesOf = (flags: ProjectFlags): ProjectChanges => ({
  ...(flags.name !== undefined && { name: requireName(flags.name) }),
  ...(flags.protectRecordings !== undefined && { protectRecordings: flags.protectRecordings }),
  ...(flags.mediaUrlTtl !== undefined && { mediaUrlTtlSeconds: parseTtl(flags.mediaUrlTtl) }),
  ...(flags.recordingPricePerMinute !== undefined && {
    recordingPricePerMinute: parsePrice(flags.recordingPricePerMinute),
  }),
})

const withProjectFlags = (command: Command): Command =>
  withCommonFlags(command)
    .option('--name <name>', 'what people call it')
    .option('--protect-recordings', 'media needs credentials; signed URLs are ignored')
    .option('--no-protect-recordings', 'media URLs are signed and need nothing else')
    .option('--media-url-ttl <seconds>', 'how long a signed media URL lasts, or none')
    .option('--recording-price-per-minute <dollars>', 'what a begun minute costs')

/** `project create|list|update|delete`. */
export const addProjectCommands = (program: Command, context: Context): void => {
  const project = program.command('project').description('projects: the tenants')

  withProjectFlags(project.command('create').description('make a project'))
    .option('--id <uuid>', 'an id of your own')
    .action((flags: ProjectFlags) =>
      withServices(
        context,
        flags,
        async ({ projects }) => {
          const { mediaUrlTtlSeconds, ...parts } = changesOf(flags)
          const made = await projects.create({
            ...parts,
            ...(typeof mediaUrlTtlSeconds === 'number' && { mediaUrlTtlSeconds }),
            ...(flags.id !== undefined && { id: requireUuid(flags.id, '--id') }),
          })
          print(context, flags, show(made), (shown) => table([shown]))
        },
        { creates: true },
      ),
    )

  withCommonFlags(project.command('list').description('all projects, oldest first')).action((flags: CommonFlags) =>
    withServices(context, flags, async ({ projects }) => {
      print(context, flags, (await projects.list()).map(show), table)
    }),
  )

  withProjectFlags(project.command('update <id>').description('change a project; counts within five seconds')).action(
    (id: string, flags: ProjectFlags) =>
      withServices(context, flags, async ({ projects }) => {
        const changed = await projects.update(requireUuid(id, 'id'), changesOf(flags))
        print(context, flags, show(changed), (shown) => table([shown]))
      }),
  )

  withCommonFlags(
    project.command('delete <id>').description('remove a project without recordings, its tokens and its trunks'),
  ).action((id: string, flags: CommonFlags) =>
    withServices(context, flags, async ({ projects }) => {
      await projects.delete(requireUuid(id, 'id'))
      print(context, flags, { deleted: id }, () => `deleted ${id}`)
    }),
  )
}
