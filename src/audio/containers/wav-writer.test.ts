import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteWindow } from '../probe/byte-window.ts'
import { openProbe } from '../probe/probe.ts'
import { WavHeaderReader } from './wav-header.ts'
import { formatWavHeader, type WavWriterFormat, wavHeaderBytes } from './wav-writer.ts'

const CODECS = ['pcm_mulaw', 'pcm_alaw', 'pcm_s16le'] as const
const BYTES_PER_SAMPLE = { pcm_mulaw: 1, pcm_alaw: 1, pcm_s16le: 2 } as const
const TAGS = { pcm_mulaw: 7, pcm_alaw: 6, pcm_s16le: 1 } as const
const ALL_ONES = 0xffffffff
const GIB = 2 ** 30

const probe = (...parts: readonly Uint8Array[]) => {
  const opened = openProbe()
  for (const part of parts) opened.append(part)
  return opened.finish()
}

const text = (bytes: Uint8Array, at: number) => String.fromCharCode(...bytes.subarray(at, at + 4))
const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length)

/** Chunks by name: where their content begins, and how long they say they are. */
const chunksOf = (header: Uint8Array) => {
  const chunks = new Map<string, { readonly at: number; readonly byteSize: number }>()
  for (let at = 12; at < header.length; ) {
    const byteSize = viewOf(header).getUint32(at + 4, true)
    chunks.set(text(header, at), { at: at + 8, byteSize })
    at = text(header, at) === 'data' ? header.length : at + 8 + byteSize
  }
  return chunks
}

const read = (header: Uint8Array) => {
  const window = new ByteWindow()
  window.append(header)
  return new WavHeaderReader().read(window)
}

const formats = fc.record({
  codec: fc.constantFrom(...CODECS),
  channels: fc.integer({ min: 1, max: 2 }),
  sampleRateHz: fc.constantFrom(8000, 16_000, 44_100, 48_000),
})

describe('formatWavHeader', () => {
  it('is measured exactly by our probe, with its length and without', () => {
    fc.assert(
      fc.property(formats, fc.nat(20_000), (format, frames) => {
        const dataBytes = frames * format.channels * BYTES_PER_SAMPLE[format.codec]
        const data = new Uint8Array(dataBytes)
        const padding = new Uint8Array(dataBytes % 2)
        const expected = { format: 'wav', ...format, durationMs: Math.round((frames * 1000) / format.sampleRateHz) }
        expect(probe(formatWavHeader({ ...format, dataBytes }), data, padding)).toEqual(expected)
        expect(probe(formatWavHeader({ ...format, dataBytes: undefined }), data)).toEqual(expected)
      }),
    )
  })

  it.each(CODECS)('has an even length that does not depend on the audio: %s', (codec) => {
    const format = { codec, channels: 1, sampleRateHz: 8000 }
    for (const dataBytes of [undefined, 0, 1, 2, 4 * GIB, 100 * GIB]) {
      expect(formatWavHeader({ ...format, dataBytes })).toHaveLength(wavHeaderBytes(codec))
    }
    expect(wavHeaderBytes(codec) % 2).toBe(0)
  })

  it.each(CODECS)('says how samples lie: %s', (codec) => {
    const header = formatWavHeader({ codec, channels: 2, sampleRateHz: 16_000, dataBytes: 4000 })
    const view = viewOf(header)
    const chunks = chunksOf(header)
    const bytesPerFrame = 2 * BYTES_PER_SAMPLE[codec]
    const { at, byteSize } = chunks.get('fmt ') ?? { at: 0, byteSize: 0 }
    expect([view.getUint16(at, true), view.getUint16(at + 2, true)]).toEqual([TAGS[codec], 2])
    expect([view.getUint32(at + 4, true), view.getUint32(at + 8, true)]).toEqual([16_000, 16_000 * bytesPerFrame])
    expect([view.getUint16(at + 12, true), view.getUint16(at + 14, true)]).toEqual([
      bytesPerFrame,
      8 * BYTES_PER_SAMPLE[codec],
    ])
    // Every format but PCM says how long its extension is, and how many samples there are (RIFF update of 1994).
    const fact = chunks.get('fact')
    expect(byteSize).toBe(codec === 'pcm_s16le' ? 16 : 18)
    expect(fact && view.getUint32(fact.at, true)).toBe(codec === 'pcm_s16le' ? undefined : 4000 / bytesPerFrame)
    expect(chunks.get('data')).toEqual({ at: header.length, byteSize: 4000 })
  })

  it('counts the zero behind odd audio in the file, not in the audio', () => {
    for (const dataBytes of [0, 1, 2, 3, 159]) {
      const header = formatWavHeader({ codec: 'pcm_mulaw', channels: 1, sampleRateHz: 8000, dataBytes })
      expect(viewOf(header).getUint32(4, true)).toBe(header.length + dataBytes + (dataBytes % 2) - 8)
      expect(chunksOf(header).get('data')?.byteSize).toBe(dataBytes)
    }
  })

  it('says of a growing file that it goes to the end', () => {
    const header = formatWavHeader({ codec: 'pcm_alaw', channels: 1, sampleRateHz: 8000, dataBytes: undefined })
    expect([text(header, 0), viewOf(header).getUint32(4, true)]).toEqual(['RIFF', ALL_ONES])
    expect(chunksOf(header).get('data')?.byteSize).toBe(ALL_ONES)
    expect(read(header)).toMatchObject({ dataOffsetBytes: header.length, dataBytes: undefined })
  })
})

describe('formatWavHeader, beyond 4 GiB', () => {
  const format: Omit<WavWriterFormat, 'dataBytes'> = { codec: 'pcm_s16le', channels: 2, sampleRateHz: 48_000 }
  /** The most audio of which a RIFF can say its length: all ones are taken. */
  const longest = ALL_ONES - 1 - (wavHeaderBytes('pcm_s16le') - 8)

  it.each([longest - 2, longest])('is a RIFF as long as its size can be said: %i bytes', (dataBytes) => {
    const header = formatWavHeader({ ...format, dataBytes })
    expect([text(header, 0), [...chunksOf(header).keys()]]).toEqual(['RIFF', ['JUNK', 'fmt ', 'data']])
    expect(read(header)?.dataBytes).toBe(dataBytes)
  })

  it.each([
    longest + 1,
    longest + 2,
    4 * GIB,
    4 * GIB + 4,
    600 * GIB,
  ])('is an RF64 from then on: %i bytes', (dataBytes) => {
    const header = formatWavHeader({ ...format, dataBytes })
    const view = viewOf(header)
    const chunks = chunksOf(header)
    expect([text(header, 0), view.getUint32(4, true)]).toEqual(['RF64', ALL_ONES])
    expect([...chunks.keys()]).toEqual(['ds64', 'fmt ', 'data'])
    const { at, byteSize } = chunks.get('ds64') ?? { at: 0, byteSize: 0 }
    expect(byteSize).toBe(28)
    const longs = [0, 8, 16].map((offset) => Number(view.getBigUint64(at + offset, true)))
    expect(longs).toEqual([header.length - 8 + dataBytes + (dataBytes % 2), dataBytes, Math.floor(dataBytes / 4)])
    expect(view.getUint32(at + 24, true)).toBe(0)
    expect(chunks.get('data')?.byteSize).toBe(ALL_ONES)
    expect(read(header)).toMatchObject({ dataBytes, dataOffsetBytes: header.length })
  })

  it('says all ones where 32 bits do not hold the number of samples', () => {
    const header = formatWavHeader({ codec: 'pcm_mulaw', channels: 1, sampleRateHz: 8000, dataBytes: 5 * GIB })
    expect(viewOf(header).getUint32(chunksOf(header).get('fact')?.at ?? 0, true)).toBe(ALL_ONES)
    expect(read(header)?.dataBytes).toBe(5 * GIB)
  })
})
