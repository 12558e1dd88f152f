import { createReadStream } from 'node:fs'
import type { Command } from 'commander'
import { PoulsenError } from '../../domain/errors.ts'
import { LEG_TYPES, type Recording, TRACKS } from '../../domain/recording.ts'
import { parseDateTime } from '../../protocol/date-time.ts'
import { allRecordings } from '../../services/all-recordings.ts'
import type { Services } from '../../services/services.ts'
import {
  type CommonFlags,
  type Context,
  print,
  requireProject,
  requireUuid,
  requireWord,
  withCommonFlags,
  withServices,
} from './context.ts'
import { recordingLine } from './recording-line.ts'
import { formatBytes, formatTable } from './terminal.ts'

interface ListFlags extends CommonFlags {
  readonly limit: string
}

interface UploadFlags extends CommonFlags {
  readonly id?: string
  readonly legType: string
  readonly legId?: string
  readonly track: string
  readonly startedAt?: string
  readonly conferenceId?: string
}

const table = (recordings: readonly Recording[]): string =>
  formatTable(
    ['id', 'created', 'status', 'length', 'size', 'format', 'leg'],
    recordings.map(({ id, createdAtMs, status, durationMs, media, leg }) => [
      id,
      new Date(createdAtMs).toISOString(),
      status,
      `${(durationMs / 1000).toFixed(1)} s`,
      media?.byteSize === undefined ? '–' : formatBytes(media.byteSize),
      media ? `${media.format}/${media.codec}` : '–',
      leg.type,
    ]),
  )

/** `recording list|get|delete|upload`; gives the command, for those that are added elsewhere. */
export const addRecordingCommands = (program: Command, context: Context): Command => {
  const recording = program.command('recording').description('recordings of a project')
  const withProject = (command: Command) =>
    withCommonFlags(command).option('--project <id>', 'the project; not needed while there is only one')

  withProject(recording.command('list').description('recordings, newest first'))
    .option('--limit <count>', 'how many at most', '50')
    .action((flags: ListFlags) => withServices(context, flags, (services) => list(context, flags, services)))

  withProject(recording.command('get <id>').description('one recording')).action((id: string, flags: CommonFlags) =>
    withServices(context, flags, async (services) => {
      const project = await requireProject(services, flags)
      const found = await services.recordings.get(project.id, requireUuid(id, 'id'))
      print(context, flags, recordingLine(found), (shown) =>
        formatTable(
          ['field', 'value'],
          Object.entries(shown).map(([name, value]) => [name, String(value)]),
        ),
      )
    }),
  )

  withProject(recording.command('delete <id>').description('delete a recording and its audio')).action(
    (id: string, flags: CommonFlags) =>
      withServices(context, flags, async (services) => {
        const project = await requireProject(services, flags)
        await services.recordings.delete(project.id, requireUuid(id, 'id'))
        print(context, flags, { deleted: id }, () => `deleted ${id}`)
      }),
  )

  withProject(recording.command('upload <file>').description('store finished audio'))
    .option('--id <uuid>', 'an id of your own; repeating the upload is then harmless')
    .option('--leg-type <type>', LEG_TYPES.join(', '), 'sip')
    .option('--leg-id <uuid>', "the call leg's id")
    .option('--track <track>', TRACKS.join(', '), 'both')
    .option('--started-at <time>', 'when the call was recorded, such as 2026-01-31T12:00:00Z')
    .option('--conference-id <uuid>', 'the conference that the leg was in')
    .action((file: string, flags: UploadFlags) =>
      withServices(context, flags, (services) => upload(context, flags, services, file)),
    )
  return recording
}

const list = async (context: Context, flags: ListFlags, services: Services): Promise<void> => {
  const limit = Number(flags.limit)
  if (!Number.isInteger(limit) || limit < 1)
    throw badUsage(`--limit must be a whole number from 1, not ${flags.limit}.`)
  const project = await requireProject(services, flags)
  const found: Recording[] = []
  for await (const each of allRecordings(services.catalogue, project.id)) {
    if (found.push(each) >= limit) break
  }
  if (flags.json) print(context, flags, found.map(recordingLine), String)
  else print(context, flags, found, table)
}

const upload = async (context: Context, flags: UploadFlags, services: Services, file: string): Promise<void> => {
  const startedAtMs = parseDateTime(flags.startedAt ?? '')
  if (flags.startedAt !== undefined && startedAtMs === undefined)
    throw badUsage(`--started-at must be a time such as 2026-01-31T12:00:00Z, not ${flags.startedAt}.`)
  const { recording, outcome } = await services.ingest.ingest({
    project: await requireProject(services, flags),
    ...(flags.id !== undefined && { id: requireUuid(flags.id, '--id') }),
    leg: {
      type: requireWord(flags.legType, '--leg-type', LEG_TYPES),
      id: flags.legId === undefined ? crypto.randomUUID() : requireUuid(flags.legId, '--leg-id'),
    },
    track: requireWord(flags.track, '--track', TRACKS),
    ...(flags.conferenceId !== undefined && { conferenceId: requireUuid(flags.conferenceId, '--conference-id') }),
    ...(startedAtMs !== undefined && { startedAtMs }),
    source: readFile(file),
  })
  print(context, flags, { outcome, ...recordingLine(recording) }, () => `${outcome}\n${table([recording])}`)
}

async function* readFile(file: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(file) as AsyncIterable<Uint8Array>
  } catch (cause) {
    throw badUsage(`${file} cannot be read: ${(cause as Error).message}.`)
  }
}

const badUsage = (message: string) => new PoulsenError({ code: 'USAGE_INVALID', kind: 'invalid', message })
