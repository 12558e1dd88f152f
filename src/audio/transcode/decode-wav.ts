import type { WavFormat } from '../containers/wav-format.ts'
import { WavHeaderReader } from '../containers/wav-header.ts'
import { ByteWindow } from '../probe/byte-window.ts'
import { ALAW, MULAW } from './g711.ts'
import type { PcmBlock } from './pcm.ts'

type ReadSample = (view: DataView, offset: number) => number

const READERS: Readonly<Record<WavFormat['codec'], ReadSample>> = {
  pcm_u8: (view, offset) => (view.getUint8(offset) - 128) / 128,
  pcm_s16le: (view, offset) => view.getInt16(offset, true) / 2 ** 15,
  pcm_s24le: (view, offset) => ((view.getUint16(offset, true) << 8) | (view.getInt8(offset + 2) << 24)) / 2 ** 31,
  pcm_s32le: (view, offset) => view.getInt32(offset, true) / 2 ** 31,
  pcm_f32le: (view, offset) => view.getFloat32(offset, true),
  pcm_f64le: (view, offset) => view.getFloat64(offset, true),
  pcm_mulaw: (view, offset) => MULAW[view.getUint8(offset)] ?? 0,
  pcm_alaw: (view, offset) => ALAW[view.getUint8(offset)] ?? 0,
}

/** Decodes a WAV as its header says; whatever follows the audio is left out. */
export async function* decodeWav(source: AsyncIterable<Uint8Array>): AsyncGenerator<PcmBlock> {
  const window = new ByteWindow()
  const reader = new WavHeaderReader()
  let header: ReturnType<WavHeaderReader['read']>
  let leftBytes = Number.POSITIVE_INFINITY
  for await (const chunk of source) {
    window.append(chunk)
    if (!header) {
      header = reader.read(window)
      leftBytes = header?.dataBytes ?? leftBytes
    }
    if (!header) continue
    const frameBytes = header.format.bytesPerSample * header.format.channels
    const usable = Math.min(window.availableBytes, leftBytes)
    const bytes = window.peek(usable - (usable % frameBytes))
    if (!bytes || bytes.length === 0) continue
    yield deinterleave(bytes, header.format)
    window.skip(bytes.length)
    leftBytes -= bytes.length
  }
}

const deinterleave = (bytes: Uint8Array, { codec, channels, sampleRateHz, bytesPerSample }: WavFormat): PcmBlock => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const read = READERS[codec]
  const frameBytes = bytesPerSample * channels
  const frames = bytes.length / frameBytes
  const planes = Array.from({ length: channels }, (_, channel) => {
    const plane = new Float32Array(frames)
    for (let frame = 0; frame < frames; frame += 1)
      plane[frame] = read(view, frame * frameBytes + channel * bytesPerSample)
    return plane
  })
  return { sampleRateHz, channels: planes }
}
