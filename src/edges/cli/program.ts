import { Command, CommanderError } from 'commander'
import { toPoulsenError } from '../http/render-error.ts'
import { addBackup } from './backup-command.ts'
import type { CliDependencies, Context } from './context.ts'
import { addDoctor } from './doctor.ts'
import { EXIT_CODES, EXIT_OK, EXIT_USAGE } from './exit-codes.ts'
import { addJournalCommands } from './journal-command.ts'
import { addMigrate } from './migrate-command.ts'
import { addProjectCommands } from './project-commands.ts'
import { addRecordingCommands } from './recording-commands.ts'
import { addServe } from './serve-command.ts'
import { addSiprecCommands } from './siprec-command.ts'
import { addTokenCommands } from './token-commands.ts'
import { addTransferCommands } from './transfer-commands.ts'
import { addTrunkCommands } from './trunk-commands.ts'
import { addVerify } from './verify.ts'

/** The whole command line, with actions that work on `context`. */
export const buildProgram = (context: Context): Command => {
  const { stdout, stderr } = context
  const program = new Command('poulsen')
    .description('Self-hosted call-recording server.')
    .version(context.version)
    .exitOverride()
    .configureOutput({ writeOut: (text) => stdout.write(text), writeErr: (text) => stderr.write(text) })
  addServe(program, context)
  program
    .command('demo')
    .description(
      'start on a temporary folder, put a recorded call in, walk the API, place a live call, check every answer',
    )
    .option('--stay', 'then keep the server running until Ctrl-C, with a page that records a microphone')
    .action(({ stay = false }: { stay?: boolean }) => context.demo((line) => stdout.write(`${line}\n`), stay))
  addProjectCommands(program, context)
  addTokenCommands(program, context)
  addTrunkCommands(program, context)
  addSiprecCommands(program, context)
  const recording = addRecordingCommands(program, context)
  addTransferCommands(recording, context)
  addVerify(program, context)
  addBackup(program, context)
  addMigrate(program, context)
  addJournalCommands(program, context)
  addDoctor(program, context)
  return program
}

/** Runs one command line (without node and script). Never throws and never exits: gives the exit code. */
export const runCli = async (argv: readonly string[], dependencies: CliDependencies): Promise<number> => {
  let exitCode: number = EXIT_OK
  const exitWith = (code: number) => {
    exitCode = code
  }
  try {
    await buildProgram({ ...dependencies, exitWith }).parseAsync([...argv], { from: 'user' })
    return exitCode
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT_OK : EXIT_USAGE
    const error = toPoulsenError(thrown)
    const message =
      error.kind === 'internal' && error.cause instanceof Error ? (error.cause.stack ?? '') : error.message
    dependencies.stderr.write(`poulsen: ${message}\n${error.hint ? `hint: ${error.hint}\n` : ''}`)
    return EXIT_CODES[error.kind]
  }
}
