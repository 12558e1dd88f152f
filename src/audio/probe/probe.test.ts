import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PoulsenError } from '../../domain/errors.ts'
import type { AudioFormat } from '../../domain/media-object.ts'
import { openProbe } from './probe.ts'

const golden = (name: string): Buffer => readFileSync(`test/golden/audio/${name}`)

const probe = (bytes: Uint8Array, chunkBytes = bytes.length): AudioFormat => {
  const opened = openProbe()
  for (let offset = 0; offset < bytes.length; offset += chunkBytes)
    opened.append(bytes.subarray(offset, offset + chunkBytes))
  return opened.finish()
}

const codeOf = (bytes: Uint8Array): string => {
  try {
    probe(bytes)
    return 'accepted'
  } catch (error) {
    if (error instanceof PoulsenError) return error.code
    throw error
  }
}

const GOLDEN: readonly [
  string,
  AudioFormat['format'],
  string,
  sampleRateHz: number,
  channels: number,
  durationMs: number,
][] = [
  ['mulaw-stereo-8k.wav', 'wav', 'pcm_mulaw', 8000, 2, 1000],
  ['alaw-stereo-8k.wav', 'wav', 'pcm_alaw', 8000, 2, 1000],
  ['u8-mono-8k.wav', 'wav', 'pcm_u8', 8000, 1, 1000],
  ['s16-mono-8k.wav', 'wav', 'pcm_s16le', 8000, 1, 1000],
  ['s24-mono-8k.wav', 'wav', 'pcm_s24le', 8000, 1, 500],
  ['s32-mono-8k.wav', 'wav', 'pcm_s32le', 8000, 1, 250],
  ['f32-mono-8k.wav', 'wav', 'pcm_f32le', 8000, 1, 250],
  ['f64-mono-8k.wav', 'wav', 'pcm_f64le', 8000, 1, 250],
  ['s16-piped.wav', 'wav', 'pcm_s16le', 8000, 1, 250],
  ['s16-rf64.wav', 'wav', 'pcm_s16le', 8000, 1, 250],
  ['cbr-info-44k.mp3', 'mp3', 'mp3', 44_100, 1, 1358],
  ['cbr-id3-44k.mp3', 'mp3', 'mp3', 44_100, 1, 1358],
  ['cbr-bare-44k.mp3', 'mp3', 'mp3', 44_100, 1, 1384],
  ['vbr-xing-44k.mp3', 'mp3', 'mp3', 44_100, 1, 1358],
  ['vbr-bare-44k.mp3', 'mp3', 'mp3', 44_100, 1, 1384],
  ['cbr-16k.mp3', 'mp3', 'mp3', 16_000, 1, 1358],
  ['opus-mono.ogg', 'ogg', 'opus', 48_000, 1, 1358],
  ['opus-stereo.ogg', 'ogg', 'opus', 48_000, 2, 1000],
  ['vorbis-mono.ogg', 'ogg', 'vorbis', 44_100, 1, 1358],
]

describe.each(GOLDEN)('%s', (name, format, codec, sampleRateHz, channels, durationMs) => {
  const expected = { format, codec, sampleRateHz, channels, durationMs }

  it.each([1, 7, 512, 65_536])('is read right in chunks of %i bytes', (chunkBytes) => {
    expect(probe(golden(name), chunkBytes)).toEqual(expected)
  })

  it('gives PoulsenErrors only, wherever it is cut or changed', () => {
    const bytes = golden(name)
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(bytes.length - 1), fc.nat(255), (cutAt, changeAt, value) => {
        codeOf(bytes.subarray(0, cutAt))
        const changed = Buffer.from(bytes)
        changed[changeAt] = value
        codeOf(changed)
      }),
    )
  })
})

const wavBytes = (parts: {
  readonly data: number
  readonly declared?: number
  readonly riff?: number
  readonly before?: Buffer
}): Buffer => {
  const { data, declared = data, riff = 36 + data, before = Buffer.alloc(0) } = parts
  const head = Buffer.from(golden('s16-mono-8k.wav').subarray(0, 36))
  head.writeUInt32LE(riff >>> 0, 4)
  const dataHead = Buffer.alloc(8)
  dataHead.write('data')
  dataHead.writeUInt32LE(declared >>> 0, 4)
  return Buffer.concat([head, before, dataHead, Buffer.alloc(data)])
}
const chunk = (id: string, byteSize: number, declared = byteSize): Buffer => {
  const bytes = Buffer.alloc(8 + byteSize + (byteSize % 2))
  bytes.write(id)
  bytes.writeUInt32LE(declared >>> 0, 4)
  return bytes
}

describe('WAV', () => {
  it.each([
    ['zero sizes', { data: 16_000, declared: 0, riff: 0 }, 1000],
    ['a zero data size', { data: 16_000, declared: 0 }, 1000],
    ['sizes of all ones', { data: 16_000, declared: 0xffffffff, riff: 0xffffffff }, 1000],
    ['no audio at all', { data: 0 }, 0],
    [
      'chunks before the audio, one of odd length',
      { data: 1600, before: Buffer.concat([chunk('LIST', 7), chunk('fact', 4)]) },
      100,
    ],
    ['less audio than bytes', { data: 1700, declared: 1600 }, 100],
  ])('with %s is measured', (_name, parts, durationMs) => {
    expect(probe(wavBytes(parts)).durationMs).toBe(durationMs)
  })

  it('that declares more than came is damaged, and says how much is missing', () => {
    expect(() => probe(wavBytes({ data: 1000, declared: 1600 }))).toThrow('600 of 1600 bytes of audio are missing')
  })

  it.each([
    ['cut in its header', wavBytes({ data: 0 }).subarray(0, 40)],
    ['without a format', Buffer.concat([wavBytes({ data: 0 }).subarray(0, 12), chunk('data', 10)])],
    [
      'with a chunk that reaches past its end',
      Buffer.concat([wavBytes({ data: 0 }).subarray(0, 36), chunk('LIST', 4, 0xfffffff0)]),
    ],
    [
      'with a format of 8 bytes',
      Buffer.concat([wavBytes({ data: 0 }).subarray(0, 12), chunk('fmt ', 8), chunk('data', 8)]),
    ],
  ])('%s is damaged', (_name, bytes) => {
    expect(codeOf(bytes)).toBe('AUDIO_DAMAGED')
  })

  it.each([
    ['no channels', 22, 0],
    ['a wrong block size', 32, 3],
  ])('with %s is damaged', (_name, offset, value) => {
    const bytes = wavBytes({ data: 100 })
    bytes.writeUInt16LE(value, offset)
    expect(codeOf(bytes)).toBe('AUDIO_DAMAGED')
  })

  it('holds nothing of the audio: 4 GiB pass in a blink', () => {
    const opened = openProbe()
    const mebibytes = Buffer.alloc(16 * 1024 ** 2)
    opened.append(wavBytes({ data: 0, declared: 0xffffffff, riff: 0xffffffff }))
    for (let count = 0; count < 320; count += 1) opened.append(mebibytes)
    expect(opened.finish().durationMs).toBe(Math.round((320 * mebibytes.length) / 16))
  })
})

describe('what is not audio', () => {
  it.each([
    ['nothing', Buffer.alloc(0)],
    ['a few bytes', Buffer.from('RIFF')],
    ['text', Buffer.from('Hello, this is certainly no audio at all.')],
    ['a RIFF of something else', Buffer.from('RIFF\x10\0\0\0AVI LIST')],
    ['one sync word in noise', Buffer.concat([Buffer.from([0xff, 0xfb, 0x90, 0x00]), Buffer.alloc(2000, 7)])],
    ['HTML', Buffer.from('<!doctype html><title>404</title>')],
  ])('is not recognised: %s', (_name, bytes) => {
    expect(codeOf(bytes)).toBe('AUDIO_NOT_RECOGNISED')
  })

  it('is refused without any other error, whatever the bytes', () => {
    const magics = fc.constantFrom(
      '',
      'RIFF\0\0\0\0WAVE',
      'RF64\0\0\0\0WAVE',
      'OggS\0\x02',
      'ID3\x04\0\0',
      '\xff\xfb\x90\x00',
    )
    fc.assert(
      fc.property(magics, fc.uint8Array({ maxLength: 3000 }), (magic, noise) => {
        codeOf(Buffer.concat([Buffer.from(magic, 'latin1'), noise]))
      }),
      { numRuns: 500 },
    )
  })
})

describe('refusals', () => {
  it('name a codec that is not supported', () => {
    expect(() => probe(golden('adpcm.wav'))).toThrow('WAV with Microsoft ADPCM')
    expect(() => probe(golden('flac.ogg'))).toThrow('Ogg with FLAC')
  })

  it('say where an Ogg page is damaged', () => {
    const bytes = golden('opus-mono.ogg')
    const second = bytes.indexOf('OggS', 4)
    bytes[second + 40] = (bytes[second + 40] ?? 0) ^ 1
    expect(() => probe(bytes)).toThrow(`damaged at byte ${second}: page 1 has a wrong checksum`)
  })

  it('find a missing Ogg page', () => {
    const bytes = golden('opus-mono.ogg')
    const starts = [...bytes.toString('latin1').matchAll(/OggS/g)].map(({ index }) => index)
    expect(starts.length).toBeGreaterThan(3)
    const without = Buffer.concat([bytes.subarray(0, starts[2]), bytes.subarray(starts[3])])
    expect(() => probe(without)).toThrow('a page is missing before page 2')
  })

  it('find a hole in an MP3', () => {
    const bytes = golden('cbr-bare-44k.mp3')
    expect(() => probe(Buffer.concat([bytes.subarray(0, 5000), bytes.subarray(5050)]))).toThrow(
      'there is no frame where one should begin',
    )
  })
})

describe('MP3', () => {
  it('tolerates tags and padding behind the last frame, and a last frame that is cut', () => {
    const bytes = golden('cbr-bare-44k.mp3')
    const durationMs = probe(bytes).durationMs
    expect(probe(Buffer.concat([bytes, Buffer.from('TAG'), Buffer.alloc(125)])).durationMs).toBe(durationMs)
    expect(probe(Buffer.concat([bytes, Buffer.alloc(1000)])).durationMs).toBe(durationMs)
    expect(probe(bytes.subarray(0, -20)).durationMs).toBe(durationMs - 26)
  })
})

/** The checksum of a page whose own field is zero, bit by bit (RFC 3533 §6, field 7). */
const crcOf = (page: Uint8Array): number => {
  let crc = 0
  for (const byte of page) {
    crc ^= byte << 24
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 0x80000000 ? (crc << 1) ^ 0x04c11db7 : crc << 1
  }
  return crc >>> 0
}

/** An Ogg file as it is when its stream was joined `samples` after it began. */
const joinedLate = (bytes: Buffer, samples: number): Buffer => {
  const starts = [...bytes.toString('latin1').matchAll(/OggS/g)].map(({ index }) => index)
  const pages = starts.map((start, index) => Buffer.from(bytes.subarray(start, starts[index + 1])))
  for (const page of pages.slice(2)) {
    page.writeBigInt64LE(page.readBigInt64LE(6) + BigInt(samples), 6)
    page.writeUInt32LE(0, 22)
    page.writeUInt32LE(crcOf(page), 22)
  }
  return Buffer.concat(pages)
}

describe('Ogg', () => {
  it.each(['opus-mono.ogg', 'opus-stereo.ogg'])('of a live stream (%s) has the length of what is in it', (name) => {
    const whole = golden(name)
    for (const samples of [1, 48_000, 48_000 * 3600 * 30]) {
      expect(probe(joinedLate(whole, samples), 1000).durationMs).toBe(probe(whole).durationMs)
    }
  })
})
