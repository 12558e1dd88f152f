import type { Disk } from '../ports/disk.ts'
import type { CapturedMedia } from './captured-media.ts'
import type { JournalRecord } from './journal-record.ts'
import { JOURNAL_FOLDER, parseSegmentName, readSegment } from './journal-segment.ts'
import type { SessionRecord } from './session-record.ts'

/** One segment as it lies on the disk. */
export interface SegmentSummary {
  readonly segment: string
  readonly byteSize: number
  readonly records: number
  /** Bytes at the end that are no sound record: what a crash cut, or damage. */
  readonly damagedBytes: number
}

/** What the journal knows of one recording. */
export interface JournaledRecording {
  readonly run: string
  readonly handle: number
  readonly recordingId: string
  readonly codec: string
  /** `live`: would be rebuilt by a recovery. `ended`: its file is whole. `settled`: nothing of it is needed any more. */
  state: 'live' | 'ended' | 'settled'
  audioRecords: number
  audioBytes: number
  /** Of its file, at the last checkpoint. */
  durableBytes: number
  /** Where the last audio of its first stream lies. */
  endTicks: number
}

/** A journal as a reader finds it; a running server may be writing it. */
export interface JournalSummary {
  readonly segments: readonly SegmentSummary[]
  readonly recordings: readonly JournaledRecording[]
}

/** Reads every segment of a capture folder. Changes nothing. Rejects with MEDIA_… codes. */
export const inspectJournal = async (disk: Disk): Promise<JournalSummary> => {
  const segments: SegmentSummary[] = []
  const recordings = new Map<string, JournaledRecording>()
  for (const segment of await disk.list(JOURNAL_FOLDER)) {
    const name = parseSegmentName(segment)
    if (!name) continue
    const { records, byteSize, damagedBytes } = await readSegment(disk, segment)
    segments.push({ segment, byteSize, records: records.length, damagedBytes })
    for (const record of records) note(recordings, name.run, record)
  }
  return { segments, recordings: [...recordings.values()] }
}

const note = (recordings: Map<string, JournaledRecording>, run: string, record: JournalRecord): void => {
  const key = `${run}/${record.handle}`
  if (record.type === 'begin' || record.type === 'checkpoint') {
    const known = recordings.get(key) ?? described(run, record.handle, record.value as SessionRecord)
    known.durableBytes = (record.value as SessionRecord).durable?.file.byteSize ?? 0
    recordings.set(key, known)
    return
  }
  const known = recordings.get(key)
  if (!known) return
  if (record.type === 'audio') {
    known.audioRecords += 1
    known.audioBytes += record.bytes.length
    if (record.track === 0) known.endTicks = Math.max(known.endTicks, record.positionTicks)
  }
  if (record.type === 'settled') known.state = 'settled'
  if (record.type === 'end') {
    known.state = 'ended'
    known.durableBytes = (record.value as CapturedMedia).byteSize ?? 0
  }
}

const described = (run: string, handle: number, { recording }: SessionRecord): JournaledRecording => ({
  run,
  handle,
  recordingId: recording.recordingId,
  codec: recording.streams[0]?.format.codec ?? 'unknown',
  state: 'live',
  audioRecords: 0,
  audioBytes: 0,
  durableBytes: 0,
  endTicks: 0,
})
