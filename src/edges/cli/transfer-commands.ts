import type { Command } from 'commander'
import { type CommonFlags, type Context, print, requireProject, withCommonFlags, withServices } from './context.ts'
import { EXIT_FOUND_WRONG } from './exit-codes.ts'
import { exportRecordings } from './export-recordings.ts'
import { importRecordings } from './import-recordings.ts'

/** `recording import|export`. Both work beside a running server, resume, and may be repeated. */
export const addTransferCommands = (recording: Command, context: Context): void => {
  const withProject = (command: Command) =>
    withCommonFlags(command).option('--project <id>', 'the project; not needed while there is only one')

  withProject(
    recording.command('import <folder>').description('store every .wav, .mp3, .ogg in a tree, or what export wrote'),
  ).action((folder: string, flags: CommonFlags) =>
    withServices(context, flags, async (services) => {
      const project = await requireProject(services, flags)
      const result = await importRecordings({ services, project, folder, terminal: context })
      if (result.failed.length > 0) context.exitWith(EXIT_FOUND_WRONG)
      print(context, flags, result, ({ stored, repeated, failed }) =>
        [
          ...failed.map(({ file, why }) => `${file}  ${why}`),
          `${stored} stored, ${repeated} already there, ${failed.length} failed`,
        ].join('\n'),
      )
    }),
  )

  withProject(
    recording
      .command('export <folder>')
      .description('write recordings.ndjson and the files, for a backup or another server'),
  ).action((folder: string, flags: CommonFlags) =>
    withServices(context, flags, async (services) => {
      const project = await requireProject(services, flags)
      const result = await exportRecordings({ services, project, folder, terminal: context })
      if (result.failed.length > 0) context.exitWith(EXIT_FOUND_WRONG)
      print(context, flags, result, ({ exported, kept, skipped, failed }) =>
        [
          ...[...failed, ...skipped].map(({ id, why }) => `${id}  ${why}`),
          `${exported} exported, ${kept} already there, ${failed.length} failed`,
        ].join('\n'),
      )
    }),
  )
}
