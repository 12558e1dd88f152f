import type { Disk } from '../ports/disk.ts'
import { crc32c } from './crc32c.ts'
import { type JournalRecord, parseJournalRecord } from './journal-record.ts'

/** Where segments lie in the capture folder. */
export const JOURNAL_FOLDER = 'journal'
const NAME = /^(r[0-9a-z]{1,12}-\d{1,3})-(\d{8})\.wal$/
const MAGIC = 'PLSNWAL1'
export const SEGMENT_HEAD_BYTES = 24
const CRC_OFFSET = 20

/** One run of one capture worker wrote these segments, `run` names both. Handles count within a run. */
export interface SegmentName {
  readonly run: string
  readonly number: number
}

/** `r<base 36 time>-<worker>-<number>.wal` */
export const formatSegmentName = ({ run, number }: SegmentName): string =>
  `${run}-${String(number).padStart(8, '0')}.wal`

/** What a file name says, or undefined when it is no segment. */
export const parseSegmentName = (name: string): SegmentName | undefined => {
  const [, run, number] = NAME.exec(name) ?? []
  return run === undefined ? undefined : { run, number: Number(number) }
}

/** The beginning of every segment: magic (8), number (4), time in Unix milliseconds (8, float64), CRC-32C of these (4). */
export const formatSegmentHead = (number: number, nowMs: number): Uint8Array => {
  const head = new Uint8Array(SEGMENT_HEAD_BYTES)
  const view = new DataView(head.buffer)
  head.set(new TextEncoder().encode(MAGIC))
  view.setUint32(8, number, true)
  view.setFloat64(12, nowMs, true)
  view.setUint32(CRC_OFFSET, crc32c(head, 0, CRC_OFFSET), true)
  return head
}

const isHead = (bytes: Uint8Array): boolean => {
  if (bytes.length < SEGMENT_HEAD_BYTES || new TextDecoder().decode(bytes.subarray(0, 8)) !== MAGIC) return false
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(CRC_OFFSET, true) === crc32c(bytes, 0, CRC_OFFSET)
}

/** A segment as it was read: its sound records, and how many bytes behind them are not (a write that a crash cut). */
export interface SegmentContent {
  readonly records: readonly JournalRecord[]
  readonly byteSize: number
  readonly damagedBytes: number
}

/** Reads a whole segment; what follows the first unsound record is left out, as only a crash can have put it there. Rejects with MEDIA_… codes. */
export const readSegment = async (disk: Disk, name: string): Promise<SegmentContent> => {
  const file = await disk.open(`${JOURNAL_FOLDER}/${name}`)
  try {
    const bytes = new Uint8Array(await file.size())
    await file.read(bytes, 0)
    return parseSegment(bytes)
  } finally {
    await file.close()
  }
}

/** The records of a segment's bytes. */
export const parseSegment = (bytes: Uint8Array): SegmentContent => {
  if (!isHead(bytes)) return { records: [], byteSize: bytes.length, damagedBytes: bytes.length }
  const records: JournalRecord[] = []
  let offset = SEGMENT_HEAD_BYTES
  while (offset < bytes.length) {
    const parsed = parseJournalRecord(bytes, offset)
    if (parsed === 'damaged') break
    records.push(parsed.record)
    offset = parsed.nextOffset
  }
  return { records, byteSize: bytes.length, damagedBytes: bytes.length - offset }
}
