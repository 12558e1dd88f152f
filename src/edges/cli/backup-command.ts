import type { Command } from 'commander'
import type { BackupReport } from '../../services/backing-up.ts'
import { type CommonFlags, type Context, print, requireData, withCommonFlags } from './context.ts'
import { EXIT_FOUND_WRONG } from './exit-codes.ts'
import { formatBytes, openProgress, type Progress } from './terminal.ts'

/** `backup`: catalogue and media of a data folder into another folder, beside a running server. What PostgreSQL and S3 have, they back up; it says so. */
export const addBackup = (program: Command, context: Context): void => {
  withCommonFlags(
    program
      .command('backup <folder>')
      .description('copy catalogue and media into a folder, beside a running server; brings only what is new'),
  ).action(async (folder: string, flags: CommonFlags) => {
    let progress: Progress | undefined
    const report = await context.backUp(requireData(flags), {
      folder,
      onBegin: (bytes) => {
        progress = openProgress(context, bytes)
      },
      onProgress: (bytes) => progress?.advance(bytes, ''),
    })
    progress?.end()
    if (report.missing.length > 0) context.exitWith(EXIT_FOUND_WRONG)
    if (flags.json) print(context, flags, wire(report), String)
    else print(context, flags, report, show)
  })
}

const wire = ({ takenAtMs, inProgress, missing, hasCatalogue, hasBucket, isSameDisk, ...counts }: BackupReport) => ({
  taken_at: new Date(takenAtMs).toISOString(),
  ...counts,
  in_progress: inProgress,
  missing: missing.map(({ id, projectId }) => ({ id, project_id: projectId })),
  catalogue: hasCatalogue ? 'here' : 'postgres',
  bucket: hasBucket,
  same_disk: isSameDisk,
})

const show = (report: BackupReport): string =>
  [
    ...report.missing.map(({ id }) => `${id}  its bytes are missing, or cut off; see \`poulsen verify\``),
    `${report.recordings} recordings, ${formatBytes(report.bytes)} here: ${report.added} new, ${report.kept} already there`,
    `not in it: ${report.inProgress} in progress, ${report.deleted} deleted meanwhile; ${report.removed} deleted ones taken out`,
    ...remarks(report),
  ].join('\n')

/** What is to be done beside it. */
const remarks = ({ hasCatalogue, hasBucket, elsewhere, isSameDisk }: BackupReport): readonly string[] => [
  ...(hasCatalogue ? [] : ['The catalogue is in PostgreSQL, not here: pg_dump it before this, or archive its WAL.']),
  ...(hasBucket
    ? [`${elsewhere} recordings are in the bucket or on other nodes, not here: let the bucket keep versions.`]
    : []),
  ...(isSameDisk ? ['It is on the disk of the data folder: copy it to another.'] : []),
]
