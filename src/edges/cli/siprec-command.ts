import { createReadStream } from 'node:fs'
import type { Command } from 'commander'
import { CODEC_NAMES } from '../../audio/codecs/codec.ts'
import { PoulsenError } from '../../domain/errors.ts'
import { TRUNK_LAYOUTS } from '../../domain/trunk.ts'
import { type CommonFlags, type Context, print, requireWord, usage } from './context.ts'
import { EXIT_FOUND_WRONG } from './exit-codes.ts'
import { showExplanation } from './siprec-text.ts'

interface ExplainFlags extends Pick<CommonFlags, 'json'> {
  readonly layout: string
  readonly codec?: readonly string[]
  readonly secureMedia?: boolean
}

/** More than any message may have, so that too long a one is told from one that fits. */
const READ_BYTES_MAX = 1_048_576
const STANDARD_INPUT = '-'

/** `siprec explain`: what the server would make of an INVITE that somebody has captured. Needs no data folder and no running server. */
export const addSiprecCommands = (program: Command, context: Context): void => {
  const siprec = program.command('siprec').description('recording sessions of SBCs (SIPREC)')
  siprec
    .command('explain <file>')
    .description(
      'what is understood of an INVITE in a file, or in the standard input (-); exit code 1 when it is refused',
    )
    .option('--layout <layout>', `as of the trunk: ${TRUNK_LAYOUTS.join(', ')}`, 'stereo')
    .option('--codec <name...>', 'as of the trunk: which codecs it may use; repeatable')
    .option('--secure-media', 'as of the trunk: no media but SRTP')
    .option('--json', 'print JSON')
    .action((file: string, flags: ExplainFlags) => explain(context, file, flags))
}

const explain = async (context: Context, file: string, flags: ExplainFlags): Promise<void> => {
  const source = file === STANDARD_INPUT ? context.openStdin() : createReadStream(file)
  const explained = await context.explainInvite(await readMessage(source, file), {
    layout: requireWord(flags.layout, '--layout', TRUNK_LAYOUTS),
    codecs: (flags.codec ?? []).map((name) => requireWord(name, '--codec', CODEC_NAMES)),
    requiresSecureMedia: flags.secureMedia ?? false,
  })
  if ('reason' in explained) throw unreadable(file, explained.reason)
  if (explained.answer.status !== 200) context.exitWith(EXIT_FOUND_WRONG)
  print(context, flags, explained, showExplanation)
}

const unreadable = (file: string, reason: string): PoulsenError =>
  new PoulsenError({
    code: 'INVITE_UNREADABLE',
    kind: 'invalid',
    message: `${nameOf(file)} is no INVITE that can be explained: ${reason}.`,
    hint: 'Paste the message from its first line, INVITE sip:…, to the end of its body.',
  })

const nameOf = (file: string): string => (file === STANDARD_INPUT ? 'The standard input' : file)

/** All of a message, or as much of it as tells that it is too long. Throws USAGE_INVALID when the file cannot be read. */
const readMessage = async (source: NodeJS.ReadableStream, file: string): Promise<Uint8Array> => {
  const chunks: Buffer[] = []
  let byteSize = 0
  try {
    for await (const chunk of source) {
      const bytes = Buffer.from(chunk)
      chunks.push(bytes)
      byteSize += bytes.length
      if (byteSize > READ_BYTES_MAX) break
    }
  } catch (error) {
    throw usage(`${nameOf(file)} cannot be read: ${(error as Error).message}.`)
  }
  return Buffer.concat(chunks)
}
