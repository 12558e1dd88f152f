import { hasCode } from '../domain/errors.ts'
import type { Disk } from '../ports/disk.ts'
import type { CapturedMedia, LiveRecording } from './captured-media.ts'
import { JOURNAL_FOLDER, parseSegmentName, readSegment, type SegmentName } from './journal-segment.ts'
import { noQuality } from './quality.ts'
import { Rebuild } from './rebuild.ts'
import { readSessionRecord, type SessionRecord } from './session-record.ts'

/** A recording that a run of the server left behind, its file whole again. */
export interface Recovered {
  readonly recording: LiveRecording
  readonly media: CapturedMedia
}

/** One run's journal, read through once: what it knows of each recording that it did not settle. */
interface Known {
  record: SessionRecord
  media?: CapturedMedia
}

/** The runs that left a journal behind, except those that go on. Rejects with MEDIA_… codes. */
export const listRuns = async (disk: Disk, living: ReadonlySet<string>): Promise<readonly string[]> => {
  const runs = (await disk.list(JOURNAL_FOLDER)).map((name) => parseSegmentName(name)?.run)
  return [...new Set(runs)].filter((run): run is string => run !== undefined && !living.has(run))
}

/**
 * Rebuilds every recording that one run did not settle, and gives each to `settle`, which makes its row final; when all are settled the run's journal is
 * removed. May be cut off and repeated at any point. `endedAtMs`: when the run must have ended. Rejects when a recording cannot be rebuilt or
 * settled now; the journal stays, and what was settled is skipped the next time. Memory: one segment.
 */
export const recoverRun = async (
  disk: Disk,
  run: string,
  endedAtMs: number,
  settle: (recovered: Recovered) => Promise<void>,
): Promise<number> => {
  const segments = await segmentsOf(disk, run)
  const known = await readRecordings(disk, segments)
  const rebuilds = await openRebuilds(disk, known)
  await replayAll(disk, segments, rebuilds)
  const failures: unknown[] = []
  for (const [handle, { record, media }] of known) {
    try {
      const rebuilt = media ?? (await rebuilds.get(handle)?.finish(endedAtMs)) ?? lost(record, endedAtMs)
      await settle({ recording: record.recording, media: rebuilt })
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length > 0) throw failures[0]
  for (const segment of segments) await disk.remove(`${JOURNAL_FOLDER}/${segment}`)
  return known.size
}

/**
 * Rebuilds one recording of a run that goes on, whose file could not be ended. What the journal has committed of it counts. Rejects with MEDIA_… codes; may
 * be repeated.
 */
export const rebuildRecording = async (
  disk: Disk,
  run: string,
  {
    handle,
    record,
    endedAtMs,
  }: { readonly handle: number; readonly record: SessionRecord; readonly endedAtMs: number },
): Promise<CapturedMedia> => {
  const rebuild = await openOrLose(disk, record)
  if (!rebuild) return lost(record, endedAtMs)
  await replayAll(disk, await segmentsOf(disk, run), new Map([[handle, rebuild]]))
  return rebuild.finish(endedAtMs)
}

const replayAll = async (
  disk: Disk,
  segments: readonly string[],
  rebuilds: ReadonlyMap<number, Rebuild>,
): Promise<void> => {
  try {
    for (const segment of segments) await replaySegment(disk, segment, rebuilds)
  } catch (error) {
    await Promise.all([...rebuilds.values()].map((rebuild) => rebuild.abandon()))
    throw error
  }
}

const replaySegment = async (disk: Disk, segment: string, rebuilds: ReadonlyMap<number, Rebuild>): Promise<void> => {
  const { records } = await readSegment(disk, segment)
  for (const each of records) {
    if (each.type === 'audio') rebuilds.get(each.handle)?.replay(each.track, each)
  }
  await Promise.all([...rebuilds.values()].map((rebuild) => rebuild.flush()))
}

/** Its file is gone: it was handed over, or somebody took it. What the row says then stands, if it is final. */
const lost = ({ recording, durable }: SessionRecord, endedAtMs: number): CapturedMedia => ({
  reason: 'recovered',
  endedAtMs,
  durationMs: 0,
  streams: durable?.quality ?? recording.streams.map(noQuality),
  gaps: [],
})

/** File names of a run's segments, oldest first. */
const segmentsOf = async (disk: Disk, run: string): Promise<readonly string[]> => {
  const named = (await disk.list(JOURNAL_FOLDER)).map((name) => [name, parseSegmentName(name)] as const)
  return named
    .filter((each): each is readonly [string, SegmentName] => each[1]?.run === run)
    .sort((a, b) => a[1].number - b[1].number)
    .map(([name]) => name)
}

const readRecordings = async (disk: Disk, segments: readonly string[]): Promise<ReadonlyMap<number, Known>> => {
  const known = new Map<number, Known>()
  for (const segment of segments) {
    for (const each of (await readSegment(disk, segment)).records) {
      if (each.type === 'settled') known.delete(each.handle)
      if (each.type === 'audio' || each.type === 'settled' || !each.value) continue
      const before = known.get(each.handle)
      if (each.type === 'end' && before) before.media = each.value as CapturedMedia
      // A begin that a snapshot overtook says less than what is known.
      if (each.type === 'checkpoint' || (each.type === 'begin' && !before)) {
        known.set(each.handle, { ...before, record: readSessionRecord(each.value) })
      }
    }
  }
  return known
}

const openRebuilds = async (disk: Disk, known: ReadonlyMap<number, Known>): Promise<ReadonlyMap<number, Rebuild>> => {
  const rebuilds = new Map<number, Rebuild>()
  for (const [handle, { record, media }] of known) {
    const rebuild = media ? undefined : await openOrLose(disk, record)
    if (rebuild) rebuilds.set(handle, rebuild)
  }
  return rebuilds
}

const openOrLose = async (disk: Disk, record: SessionRecord): Promise<Rebuild | undefined> => {
  try {
    return await Rebuild.open(disk, record)
  } catch (error) {
    if (hasCode(error, 'MEDIA_NOT_FOUND')) return undefined
    throw error
  }
}
