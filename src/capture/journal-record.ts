import { crc32c } from './crc32c.ts'

/**
 * What stands in a journal. In the body of every record: type (1 byte), handle of the recording (4), then
 *
 *     audio       track (1), position in ticks (8, float64), the bytes as received
 *     the others  JSON
 *
 * `begin`: a recording and its streams. `checkpoint`: the same, and how much of its file is durable; at the beginning of every segment one for each
 * recording in progress. `end`: its file is finished and durable, and what came of it. `settled`: the catalogue has it; nothing of it is needed any more.
 * A frame is: length of the body (4), CRC-32C of the body (4), the body. Little-endian.
 */
export type JournalRecord =
  | {
      readonly type: 'audio'
      readonly handle: number
      readonly track: number
      readonly positionTicks: number
      readonly bytes: Uint8Array
    }
  | { readonly type: 'begin' | 'checkpoint' | 'end' | 'settled'; readonly handle: number; readonly value: unknown }

const TYPES = ['begin', 'audio', 'checkpoint', 'end', 'settled'] as const
const AUDIO = TYPES.indexOf('audio')
export const FRAME_BYTES = 8
const BODY_BYTES_MIN = 5
const AUDIO_HEAD_BYTES = 14
/** A record is at most so long; a longer one is a sign of damage. */
export const BODY_BYTES_MAX = 4 * 1024 * 1024
const FIRST_BYTES = 256 * 1024

/** Records that will go to the disk together. */
export class JournalBatch {
  #bytes = new Uint8Array(FIRST_BYTES)
  #view = new DataView(this.#bytes.buffer)
  #length = 0

  get byteSize(): number {
    return this.#length
  }

  /** The bytes so far; valid until the next record is added. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  audio(handle: number, track: number, positionTicks: number, payload: Uint8Array): void {
    const at = this.#reserve(AUDIO_HEAD_BYTES + payload.length)
    this.#view.setUint8(at, AUDIO)
    this.#view.setUint32(at + 1, handle, true)
    this.#view.setUint8(at + 5, track)
    this.#view.setFloat64(at + 6, positionTicks, true)
    this.#bytes.set(payload, at + AUDIO_HEAD_BYTES)
    this.#seal(at)
  }

  json(type: Exclude<JournalRecord['type'], 'audio'>, handle: number, value: unknown): void {
    const text = new TextEncoder().encode(JSON.stringify(value))
    const at = this.#reserve(BODY_BYTES_MIN + text.length)
    this.#view.setUint8(at, TYPES.indexOf(type))
    this.#view.setUint32(at + 1, handle, true)
    this.#bytes.set(text, at + BODY_BYTES_MIN)
    this.#seal(at)
  }

  /** Whole records from another batch. */
  append(frames: Uint8Array): void {
    this.#grow(this.#length + frames.length)
    this.#bytes.set(frames, this.#length)
    this.#length += frames.length
  }

  clear(): void {
    this.#length = 0
  }

  /** Makes room for a body and its frame; where the body begins. */
  #reserve(bodyBytes: number): number {
    if (bodyBytes > BODY_BYTES_MAX) throw new RangeError(`a journal record of ${bodyBytes} bytes`)
    const wanted = this.#length + FRAME_BYTES + bodyBytes
    this.#grow(wanted)
    const at = this.#length + FRAME_BYTES
    this.#view.setUint32(this.#length, bodyBytes, true)
    this.#length = wanted
    return at
  }

  #grow(wanted: number): void {
    if (wanted <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(wanted, this.#bytes.length * 2))
    grown.set(this.bytes)
    this.#bytes = grown
    this.#view = new DataView(grown.buffer)
  }

  #seal(at: number): void {
    this.#view.setUint32(at - 4, crc32c(this.#bytes, at, this.#length), true)
  }
}

/** One record and where the next begins; `damaged` when the bytes from `offset` on are no whole, sound record. Audio is not copied. */
export const parseJournalRecord = (
  bytes: Uint8Array,
  offset: number,
): { readonly record: JournalRecord; readonly nextOffset: number } | 'damaged' => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const start = offset + FRAME_BYTES
  if (start > bytes.length) return 'damaged'
  const bodyBytes = view.getUint32(offset, true)
  const end = start + bodyBytes
  if (bodyBytes < BODY_BYTES_MIN || bodyBytes > BODY_BYTES_MAX || end > bytes.length) return 'damaged'
  if (view.getUint32(offset + 4, true) !== crc32c(bytes, start, end)) return 'damaged'
  const record = parseBody(bytes.subarray(start, end))
  return record ? { record, nextOffset: end } : 'damaged'
}

const parseBody = (body: Uint8Array): JournalRecord | undefined => {
  const view = new DataView(body.buffer, body.byteOffset, body.length)
  const type = TYPES[view.getUint8(0)]
  const handle = view.getUint32(1, true)
  if (type === undefined) return undefined
  if (type !== 'audio') return { type, handle, value: parseJson(body.subarray(BODY_BYTES_MIN)) }
  if (body.length < AUDIO_HEAD_BYTES) return undefined
  const positionTicks = view.getFloat64(6, true)
  return { type, handle, track: view.getUint8(5), positionTicks, bytes: body.subarray(AUDIO_HEAD_BYTES) }
}

const parseJson = (text: Uint8Array): unknown => {
  try {
    return JSON.parse(new TextDecoder().decode(text))
  } catch {
    // The checksum held, so a program wrote this; a reader that needs the value finds it missing.
    return undefined
  }
}
