import { createHash } from 'node:crypto'
import type { Command } from 'commander'
import { PoulsenError } from '../../domain/errors.ts'
import type { Project } from '../../domain/project.ts'
import type { Recording } from '../../domain/recording.ts'
import type { Services } from '../../services/services.ts'
import { type CommonFlags, type Context, print, requireProject, withCommonFlags, withServices } from './context.ts'
import { EXIT_FOUND_WRONG } from './exit-codes.ts'
import { allRecordings } from './recording-commands.ts'
import { formatBytes, openProgress, type Progress } from './terminal.ts'

/** One recording whose bytes are not what the catalogue says. */
interface Mismatch {
  readonly id: string
  readonly project_id: string
  readonly problem: string
}

/** `verify`: re-hashes every media object against its SHA-256 in the catalogue. */
export const addVerify = (program: Command, context: Context): void => {
  withCommonFlags(
    program
      .command('verify')
      .description('re-hash every media object against the catalogue; exit code 1 on a mismatch'),
  )
    .option('--project <id>', 'only this project')
    .action((flags: CommonFlags) => withServices(context, flags, (services) => verify(context, flags, services)))
}

const verify = async (context: Context, flags: CommonFlags, services: Services): Promise<void> => {
  const projects =
    flags.project === undefined ? await services.projects.list() : [await requireProject(services, flags)]
  const mismatches: Mismatch[] = []
  let verified = 0
  let bytes = 0
  const totalBytes = await sizeOf(services, projects)
  const progress = openProgress(context, totalBytes)
  for (const project of projects) {
    for await (const recording of allRecordings(services, project)) {
      const problem = await check(services, recording, progress)
      verified += 1
      bytes += recording.media?.byteSize ?? 0
      if (problem) mismatches.push({ id: recording.id, project_id: project.id, problem })
    }
  }
  progress.end()
  if (mismatches.length > 0) context.exitWith(EXIT_FOUND_WRONG)
  print(context, flags, { verified, bytes, mismatches }, () =>
    [
      ...mismatches.map(({ id, problem }) => `${id}  ${problem}`),
      `${verified} recordings, ${formatBytes(bytes)}: ${mismatches.length === 0 ? 'all as they were stored' : `${mismatches.length} WRONG`}`,
    ].join('\n'),
  )
}

const sizeOf = async (services: Services, projects: readonly Project[]): Promise<number> => {
  let bytes = 0
  for (const project of projects) {
    for await (const { media } of allRecordings(services, project)) bytes += media?.byteSize ?? 0
  }
  return bytes
}

/** What is wrong with a recording's bytes, or undefined. */
const check = async (services: Services, { media, id }: Recording, progress: Progress): Promise<string | undefined> => {
  if (!media) return undefined
  const hash = createHash('sha256')
  let byteSize = 0
  try {
    for await (const chunk of await services.mediaStore.read(media.key)) {
      hash.update(chunk)
      byteSize += chunk.length
      progress.advance(chunk.length, id)
    }
  } catch (error) {
    if (error instanceof PoulsenError) return error.code === 'MEDIA_NOT_FOUND' ? 'its bytes are missing' : error.message
    throw error
  }
  if (byteSize !== media.byteSize) return `has ${byteSize} bytes instead of ${media.byteSize}`
  return hash.digest('hex') === media.sha256 ? undefined : 'its bytes are not those that were stored'
}
