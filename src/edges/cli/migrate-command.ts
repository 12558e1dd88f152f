import type { Command } from 'commander'
import type { MigrationReport } from '../../services/migration/migrate.ts'
import type { Listed } from '../../services/migration/tally.ts'
import { type CommonFlags, type Context, print } from './context.ts'
import { EXIT_FOUND_WRONG } from './exit-codes.ts'
import { openMigrationProgress } from './migration-progress.ts'
import { parseSide } from './migration-side.ts'
import { formatBytes } from './terminal.ts'

interface MigrateFlags extends Pick<CommonFlags, 'json'> {
  readonly from: readonly string[]
  readonly to: readonly string[]
}

/** `migrate`: copies catalogue and media from one place to another, and goes on where an earlier run stopped. Works beside a running server of the source. */
export const addMigrate = (program: Command, context: Context): void => {
  program
    .command('migrate')
    .description('copy catalogue and media elsewhere, beside a running server, and go on where an earlier run stopped')
    .requiredOption('--from <where...>', 'a data folder, a postgres:// URL, an s3:// URL: as the server there has them')
    .requiredOption('--to <where...>', 'the same of what is to be filled; an empty place, or an unfinished copy')
    .option('--json', 'print JSON')
    .action(async (flags: MigrateFlags) => {
      const sides = { from: parseSide('--from', flags.from), to: parseSide('--to', flags.to) }
      const progress = openMigrationProgress(context)
      const report = await context.migrate(sides, progress).finally(() => progress.end())
      if (report.wrong.count > 0) context.exitWith(EXIT_FOUND_WRONG)
      print(context, flags, wireOf(report), () => show(report))
    })
}

const wireOf = (report: MigrationReport) => ({
  complete: report.isComplete,
  source_served: report.isServed,
  copied: report.copied,
  removed: report.removed,
  unchanged: report.unchanged,
  bytes: report.bytes,
  left_count: report.left.count,
  left: report.left.first,
  wrong_count: report.wrong.count,
  wrong: report.wrong.first,
})

const show = (report: MigrationReport): string => {
  const { copied, removed, unchanged, bytes, wrong, left } = report
  const open = [...(left.count > 0 ? [`${left.count} left`] : []), ...(wrong.count > 0 ? [`${wrong.count} WRONG`] : [])]
  return [
    ...linesOf(wrong),
    ...linesOf(left),
    [`${copied} copied (${formatBytes(bytes)})`, `${removed} removed`, `${unchanged} there already`, ...open].join(
      ', ',
    ),
    nextStep(report),
  ].join('\n')
}

const linesOf = ({ count, first }: Listed): readonly string[] => [
  ...first.map(({ id, why }) => `${id}  ${why}`),
  ...(count > first.length ? [`… and ${count - first.length} more`] : []),
]

const nextStep = ({ isComplete, isServed, left, wrong }: MigrationReport): string => {
  if (isComplete && wrong.count > 0)
    return 'Complete, but for what is wrong at the source: a server can be started on the target.'
  if (isComplete) return 'Complete: start a server on the target.'
  if (isServed) return 'Not complete, as a server of the source is running: stop it and run this once more.'
  return left.count === 1
    ? 'Not complete: see what is said of the one that is left.'
    : `Not complete: see what is said of the ${left.count} that are left.`
}
