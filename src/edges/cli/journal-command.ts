import type { Command } from 'commander'
import { inspectJournal, type JournalSummary } from '../../capture/inspect-journal.ts'
import { readConfig } from '../../ops/config.ts'
import { type CommonFlags, type Context, print, withCommonFlags } from './context.ts'
import { EXIT_FOUND_WRONG } from './exit-codes.ts'
import { formatBytes, formatTable } from './terminal.ts'

/** `journal inspect`: what the write-ahead log of live audio holds. Reads only; works beside a running server. */
export const addJournalCommands = (program: Command, context: Context): void => {
  const journal = program.command('journal').description('the write-ahead log of live audio')
  withCommonFlags(
    journal
      .command('inspect')
      .description('segments, and what they know of each recording; exit code 1 when bytes are damaged'),
  ).action(async (flags: CommonFlags) => {
    const { dataDir } = readConfig({ dataDir: flags.dataDir })
    const summary = await inspectJournal(await context.openCaptureDisk(dataDir))
    if (summary.segments.some(({ damagedBytes }) => damagedBytes > 0)) context.exitWith(EXIT_FOUND_WRONG)
    print(context, flags, summary, show)
  })
}

const show = ({ segments, recordings }: JournalSummary): string => {
  if (segments.length === 0) return 'The journal is empty: no call is being recorded, and none waits for recovery.'
  const files = formatTable(
    ['segment', 'size', 'records', 'damaged'],
    segments.map((each) => [
      each.segment,
      formatBytes(each.byteSize),
      String(each.records),
      formatBytes(each.damagedBytes),
    ]),
  )
  const calls = formatTable(
    ['recording', 'run', 'state', 'codec', 'audio', 'durable file'],
    recordings.map((each) => [
      each.recordingId,
      `${each.run}/${each.handle}`,
      each.state,
      each.codec,
      formatBytes(each.audioBytes),
      formatBytes(each.durableBytes),
    ]),
  )
  return `${files}\n\n${calls}`
}
