import type { Command } from 'commander'
import type { Project } from '../../domain/project.ts'
import { isFinal, type Recording } from '../../domain/recording.ts'
import { allRecordings } from '../../services/all-recordings.ts'
import { orphansAmong } from '../../services/orphans.ts'
import type { Services } from '../../services/services.ts'
import { DAMAGED, readWhole } from '../../services/verified-media.ts'
import { type CommonFlags, type Context, print, requireProject, withCommonFlags, withServices } from './context.ts'
import { EXIT_FOUND_WRONG } from './exit-codes.ts'
import { formatBytes, openProgress, type Progress } from './terminal.ts'

/** One recording whose bytes are not what the catalogue says. */
interface Mismatch {
  readonly id: string
  readonly project_id: string
  readonly problem: string
}

/** One recording of which the catalogue does not say yet what its bytes must be. Nothing is wrong with it. */
interface Unverified {
  readonly id: string
  readonly project_id: string
  readonly why: string
}

/** What became of one recording; neither: it is as it was stored. */
interface Verdict {
  readonly problem?: string
  readonly why?: string
}

/** Recorded bytes that no row names: left over by a crash, or the catalogue is older than they are. Nothing is wrong with those in the catalogue. */
interface Orphan {
  readonly key: string
  readonly byte_size: number
}

const IN_PROGRESS = 'is in progress'
const ELSEWHERE = 'is on the disk of another node'
const UNSEALED = 'has no hash yet; its size is right'

/** `verify`: re-hashes every media object against its SHA-256 in the catalogue. Recordings in progress, and such whose hash is not known yet, are told apart. */
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
  const unverified: Unverified[] = []
  let verified = 0
  let bytes = 0
  const totalBytes = await sizeOf(services, projects)
  const orphans = flags.project === undefined ? await listOrphans(services) : []
  const progress = openProgress(context, totalBytes)
  for (const project of projects) {
    for await (const recording of allRecordings(services.catalogue, project.id)) {
      const { problem, why } = await check(services, recording, progress)
      const named = { id: recording.id, project_id: project.id }
      if (problem !== undefined) mismatches.push({ ...named, problem })
      if (why !== undefined) unverified.push({ ...named, why })
      else verified += 1
      bytes += recording.media?.byteSize ?? 0
    }
  }
  progress.end()
  if (mismatches.length > 0) context.exitWith(EXIT_FOUND_WRONG)
  print(
    context,
    flags,
    { verified, bytes, mismatches, unverified, orphans: await stillOrphans(services, orphans) },
    show,
  )
}

interface Report {
  readonly verified: number
  readonly bytes: number
  readonly mismatches: readonly Mismatch[]
  readonly unverified: readonly Unverified[]
  readonly orphans: readonly Orphan[]
}

const show = ({ verified, bytes, mismatches, unverified, orphans }: Report): string => {
  const wrong = mismatches.length === 0 ? 'all as they were stored' : `${mismatches.length} WRONG`
  const open = unverified.length === 0 ? '' : `, ${unverified.length} not verified`
  return [
    ...mismatches.map(({ id, problem }) => `${id}  ${problem}`),
    ...unverified.map(({ id, why }) => `${id}  ${why}`),
    ...orphans.map(({ key }) => `${key}  is named by no row; kept for POULSEN_ORPHANS_KEPT_DAYS`),
    `${verified} recordings, ${formatBytes(bytes)}: ${wrong}${open}`,
  ].join('\n')
}

const listOrphans = async ({ sweeping, shared }: Services): Promise<readonly Orphan[]> => {
  const orphans: Orphan[] = []
  for (const each of shared ? [sweeping, shared.sweeping] : [sweeping])
    for await (const { key, byteSize } of each.listOrphans()) orphans.push({ key, byte_size: byteSize })
  return orphans
}

/** Without those whose row has come meanwhile: bytes are there before their row is. */
const stillOrphans = ({ catalogue }: Services, orphans: readonly Orphan[]): Promise<readonly Orphan[]> =>
  Array.fromAsync(orphansAmong(catalogue, orphans))

const sizeOf = async (services: Services, projects: readonly Project[]): Promise<number> => {
  let bytes = 0
  for (const project of projects) {
    for await (const { media } of allRecordings(services.catalogue, project.id)) bytes += media?.byteSize ?? 0
  }
  return bytes
}

/** What there is to say of a recording's bytes. Those of one in progress are nobody's business yet. */
const check = async (services: Services, recording: Recording, progress: Progress): Promise<Verdict> => {
  const { media, id, status } = recording
  if (!isFinal(status)) return { why: IN_PROGRESS }
  if (!media) return {}
  if (await services.whereabouts.elsewhere(recording)) return { why: ELSEWHERE }
  const read = await readWhole(services.mediaStore, media, ({ length }) => progress.advance(length, id))
  if ('problem' in read) return read
  if (media.sha256 === undefined) return { why: UNSEALED }
  return read.sha256 === media.sha256 ? {} : { problem: DAMAGED }
}
