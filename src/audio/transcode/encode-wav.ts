import type { Encoder, PcmBlock } from './pcm.ts'

const HEADER_BYTES = 44
const BYTES_PER_SAMPLE = 2
const SIZE_MAX = 0xffffffff
const PCM = 1

/** Encodes 16-bit PCM WAV. The first bytes are a place for the header, which is known at the end. Longer than 4 GiB, its sizes are all ones (to the end). */
export const openWavEncoder = (): Encoder => {
  let dataBytes = 0
  let shape = { channels: 1, sampleRateHz: 8000 }
  let hasBegun = false
  const begin = (): readonly Uint8Array[] => {
    if (hasBegun) return []
    hasBegun = true
    return [new Uint8Array(HEADER_BYTES)]
  }
  return {
    append(block) {
      const opening = begin()
      shape = { channels: block.channels.length, sampleRateHz: block.sampleRateHz }
      const bytes = interleave(block)
      dataBytes += bytes.length
      return [...opening, bytes]
    },
    finish: () => ({ bytes: begin(), header: formatHeader(shape, dataBytes) }),
  }
}

const interleave = ({ channels }: PcmBlock): Uint8Array => {
  const frames = channels[0]?.length ?? 0
  const samples = new Int16Array(frames * channels.length)
  for (const [index, plane] of channels.entries()) {
    for (let frame = 0; frame < frames; frame += 1) {
      const value = Math.round((plane[frame] ?? 0) * 32_768)
      samples[frame * channels.length + index] = Math.max(-32_768, Math.min(32_767, value))
    }
  }
  return new Uint8Array(samples.buffer)
}

const formatHeader = (
  shape: { readonly channels: number; readonly sampleRateHz: number },
  dataBytes: number,
): Uint8Array => {
  const header = new Uint8Array(HEADER_BYTES)
  const view = new DataView(header.buffer)
  const text = (offset: number, word: string) => header.set(new TextEncoder().encode(word), offset)
  const blockAlign = shape.channels * BYTES_PER_SAMPLE
  text(0, 'RIFF')
  view.setUint32(4, Math.min(SIZE_MAX, dataBytes + HEADER_BYTES - 8), true)
  text(8, 'WAVEfmt ')
  view.setUint32(16, 16, true)
  view.setUint16(20, PCM, true)
  view.setUint16(22, shape.channels, true)
  view.setUint32(24, shape.sampleRateHz, true)
  view.setUint32(28, shape.sampleRateHz * blockAlign, true)
  view.setUint16(32, blockAlign, true)
  view.setUint16(34, BYTES_PER_SAMPLE * 8, true)
  text(36, 'data')
  view.setUint32(40, Math.min(SIZE_MAX, dataBytes), true)
  return header
}
