/** How a WAV lies, and how much audio is in it. */
export interface WavWriterFormat {
  readonly codec: 'pcm_mulaw' | 'pcm_alaw' | 'pcm_s16le'
  readonly channels: number
  readonly sampleRateHz: number
  /** Bytes of audio; undefined while nobody knows: the header then says that it goes to the end. */
  readonly dataBytes: number | undefined
}

const FORMAT_TAGS = { pcm_s16le: 1, pcm_alaw: 6, pcm_mulaw: 7 } as const
const BITS = { pcm_s16le: 16, pcm_alaw: 8, pcm_mulaw: 8 } as const
const ALL_ONES = 0xffffffff
const RIFF_BYTES = 12
const CHUNK_BYTES = 8
const DS64_BYTES = 28
const PCM_FORMAT_BYTES = 16
/** With the size of an extension that is not there, as every format but PCM has it. */
const LONG_FORMAT_BYTES = 18
const FACT_BYTES = 4

const isPcm = (codec: WavWriterFormat['codec']): boolean => codec === 'pcm_s16le'

/** Length of the header, whatever it says. */
export const wavHeaderBytes = (codec: WavWriterFormat['codec']): number => {
  const format = CHUNK_BYTES + (isPcm(codec) ? PCM_FORMAT_BYTES : LONG_FORMAT_BYTES + CHUNK_BYTES + FACT_BYTES)
  return RIFF_BYTES + CHUNK_BYTES + DS64_BYTES + format + CHUNK_BYTES
}

/**
 * The beginning of a WAV up to its audio. A chunk of room behind the first makes it an RF64 of the same length when the audio passes 4 GiB
 * (EBU Tech 3306 §3.2). Audio of an odd length wants a zero byte behind it, which is not counted in `dataBytes`.
 */
export const formatWavHeader = ({ codec, channels, sampleRateHz, dataBytes }: WavWriterFormat): Uint8Array => {
  const header = new Uint8Array(wavHeaderBytes(codec))
  const view = new DataView(header.buffer)
  const writer = new ChunkWriter(header, view)
  const bytesPerFrame = (channels * BITS[codec]) / 8
  const riffBytes = dataBytes === undefined ? ALL_ONES : header.length - 8 + dataBytes + (dataBytes % 2)
  const isLong = dataBytes !== undefined && riffBytes >= ALL_ONES
  const frames = Math.floor((dataBytes ?? 0) / bytesPerFrame)
  writer
    .text(isLong ? 'RF64' : 'RIFF')
    .uint32(isLong ? ALL_ONES : riffBytes)
    .text('WAVE')
  writer.text(isLong ? 'ds64' : 'JUNK').uint32(DS64_BYTES)
  if (isLong) writer.uint64(riffBytes).uint64(dataBytes).uint64(frames).uint32(0)
  else writer.skip(DS64_BYTES)
  writer.text('fmt ').uint32(isPcm(codec) ? PCM_FORMAT_BYTES : LONG_FORMAT_BYTES)
  writer.uint16(FORMAT_TAGS[codec]).uint16(channels).uint32(sampleRateHz)
  writer
    .uint32(sampleRateHz * bytesPerFrame)
    .uint16(bytesPerFrame)
    .uint16(BITS[codec])
  if (!isPcm(codec)) writer.uint16(0).text('fact').uint32(FACT_BYTES).uint32(Math.min(ALL_ONES, frames))
  writer.text('data').uint32(dataBytes === undefined || isLong ? ALL_ONES : dataBytes)
  return header
}

/** Writes the fields of chunks one after the other, little-endian. */
class ChunkWriter {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = 0

  constructor(bytes: Uint8Array, view: DataView) {
    this.#bytes = bytes
    this.#view = view
  }

  text(word: string): this {
    this.#bytes.set(new TextEncoder().encode(word), this.#at)
    return this.skip(word.length)
  }

  uint16(value: number): this {
    this.#view.setUint16(this.#at, value, true)
    return this.skip(2)
  }

  uint32(value: number): this {
    this.#view.setUint32(this.#at, value, true)
    return this.skip(4)
  }

  uint64(value: number): this {
    this.#view.setBigUint64(this.#at, BigInt(value), true)
    return this.skip(8)
  }

  skip(byteSize: number): this {
    this.#at += byteSize
    return this
  }
}
