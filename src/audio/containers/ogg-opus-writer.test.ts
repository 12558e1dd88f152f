import fc from 'fast-check'
import { OggOpusDecoder } from 'ogg-opus-decoder'
import { describe, expect, it } from 'vitest'
import { oggPackets } from '../../../test/support/ogg.ts'
import { concatBytes } from '../concat-bytes.ts'
import { openProbe } from '../probe/probe.ts'
import { OggOpusWriter, type OpusFrame } from './ogg-opus-writer.ts'
import { type OggPage, oggPageBytes, parseOggPage } from './ogg-page.ts'

const SERIAL = 0xfedcba98
const FRAME_TICKS = 960
const SECOND_TICKS = 48_000
const HEADER_PACKETS = 2
const PAGE_BYTES_MAX = 65_307

const open = (state?: OggOpusWriter['state'], channels = 1) => new OggOpusWriter({ channels, serial: SERIAL, state })

/** A packet of any bytes; its length is what matters. */
const frame = (byteSize: number, ticks = FRAME_TICKS): OpusFrame => ({
  bytes: Uint8Array.from({ length: byteSize }, (_, index) => (byteSize + 7 * index) & 255),
  ticks,
})

/** A CELT frame of true silence. */
const silence = (): OpusFrame => ({ bytes: Uint8Array.of(31 << 3, 0xff, 0xfe), ticks: FRAME_TICKS })
const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, at) => make(at))

const pagesOf = (bytes: Uint8Array): OggPage[] => {
  const pages: OggPage[] = []
  for (let at = 0; at < bytes.length; ) {
    const rest = bytes.subarray(at)
    const byteSize = oggPageBytes((count) => (count <= rest.length ? rest.subarray(0, count) : undefined))
    if (typeof byteSize !== 'number') throw new Error(`no page at ${at}`)
    expect(byteSize).toBeLessThanOrEqual(PAGE_BYTES_MAX)
    const page = parseOggPage(rest.subarray(0, byteSize))
    if (page === 'wrong-checksum') throw new Error(`a wrong checksum at ${at}`)
    pages.push(page)
    at += byteSize
  }
  return pages
}

const probe = (bytes: Uint8Array) => {
  const opened = openProbe()
  opened.append(bytes)
  return opened.finish()
}

const bytesOf = (packets: readonly Uint8Array[]): number[][] => packets.map((packet) => [...packet])

/** Samples and complaints of the decoder that we serve with. */
const decode = async (bytes: Uint8Array) => {
  const decoder = new OggOpusDecoder()
  await decoder.ready
  try {
    const { samplesDecoded, errors, channelData } = await decoder.decodeFile(bytes)
    return { samplesDecoded, errors, channels: channelData.length }
  } finally {
    decoder.free()
  }
}

describe('OggOpusWriter', () => {
  it('begins with the two headers, each on its page (RFC 7845 §3)', () => {
    const head = open(undefined, 2).head()
    const [first, second, ...rest] = pagesOf(head)
    expect(rest).toEqual([])
    expect(first).toMatchObject({ isFirst: true, isLast: false, granule: 0, serial: SERIAL, sequence: 0 })
    expect(second).toMatchObject({ isFirst: false, isLast: false, granule: 0, serial: SERIAL, sequence: 1 })
    const [id, tags] = oggPackets(head).map((packet) => [...packet])
    const rate = [0x80, 0xbb, 0, 0]
    expect(id).toEqual([...Buffer.from('OpusHead'), 1, 2, 0, 0, ...rate, 0, 0, 0])
    expect(tags).toEqual([...Buffer.from('OpusTags'), 7, 0, 0, 0, ...Buffer.from('Poulsen'), 0, 0, 0, 0])
  })

  it('gives back every packet, on sound pages of at most a second, whenever it is asked to write', () => {
    const frames = fc.array(
      fc.record({ byteSize: fc.oneof(fc.nat(200), fc.nat(1500)), ticks: fc.constantFrom(120, 480, 960, 2880, 5760) }),
      { maxLength: 120 },
    )
    fc.assert(
      fc.property(fc.array(frames, { maxLength: 4 }), (chunks) => {
        const writer = open()
        const all = chunks.map((chunk) => chunk.map(({ byteSize, ticks }) => frame(byteSize, ticks)))
        const written = all.map((chunk) => writer.append(chunk))
        const file = concatBytes([open().head(), ...written])
        expect(bytesOf(oggPackets(file).slice(HEADER_PACKETS))).toEqual(bytesOf(all.flat().map(({ bytes }) => bytes)))
        let granule = 0
        for (const [index, page] of pagesOf(concatBytes(written)).entries()) {
          expect(page).toMatchObject({ serial: SERIAL, sequence: index, isFirst: false, isLast: false })
          expect(page.lacing.at(-1)).toBeLessThan(255)
          expect(page.granule - granule).toBeGreaterThan(0)
          expect(page.granule - granule).toBeLessThanOrEqual(SECOND_TICKS)
          granule = page.granule
        }
        expect(granule).toBe(all.flat().reduce((sum, { ticks }) => sum + ticks, 0))
      }),
      { numRuns: 60 },
    )
  })

  it('goes on from its state with the same bytes', () => {
    const cut = fc.record({ sizes: fc.array(fc.nat(600), { maxLength: 60 }), cutAt: fc.nat(60) })
    fc.assert(
      fc.property(cut, ({ sizes, cutAt }) => {
        const [before, after] = [sizes.slice(0, cutAt), sizes.slice(cutAt)].map((part) =>
          part.map((size) => frame(size)),
        )
        const whole = open()
        const first = open()
        const inOne = [whole.head(), whole.append(before ?? []), whole.append(after ?? []), whole.finish()]
        const begun = [first.head(), first.append(before ?? [])]
        const second = new OggOpusWriter({ channels: 1, serial: 5, state: JSON.parse(JSON.stringify(first.state)) })
        const inTwo = [...begun, second.append(after ?? []), second.finish()]
        expect(concatBytes(inTwo)).toEqual(concatBytes(inOne))
      }),
    )
  })

  it.each([0, 1, 254, 255, 256, 509, 510, 511, 65_024])('laces a packet of %i bytes', (byteSize) => {
    const pages = pagesOf(open().append([frame(1), frame(byteSize), frame(2)]))
    expect(pages.flatMap(({ lacing }) => [...lacing])).toEqual([
      1,
      ...times(Math.floor(byteSize / 255), () => 255),
      byteSize % 255,
      2,
    ])
  })

  it('begins another page before there are more than 255 segments', () => {
    const pages = pagesOf(open().append(times(300, () => frame(3, 120))))
    expect(pages.map(({ lacing }) => lacing.length)).toEqual([255, 45])
    expect(pages.map(({ granule }) => granule)).toEqual([255 * 120, 300 * 120])
    expect(pagesOf(open().append(times(40, () => frame(2000)))).map(({ lacing }) => lacing.length)).toEqual([248, 72])
  })

  it.each([65_025, 65_026, 65_279, 65_280, 130_050, 200_000])('spreads a packet of %i bytes over pages', (byteSize) => {
    const written = open().append([frame(10), frame(byteSize), frame(20)])
    const pages = pagesOf(written)
    expect(bytesOf(oggPackets(written))).toEqual(bytesOf([10, byteSize, 20].map((size) => frame(size).bytes)))
    // Pages on which no packet ends have no position (RFC 3533 §6).
    const middle = pages.slice(1, -1)
    expect(middle.map(({ granule }) => granule)).toEqual([...times(middle.length - 1, () => -1), 2 * FRAME_TICKS])
    expect(pages.at(-1)?.granule).toBe(3 * FRAME_TICKS)
    // Flag 1 says that a page goes on with the packet of the page before.
    const flags = pages.map((page) => written[page.lacing.byteOffset - written.byteOffset - 22])
    expect(flags).toEqual([0, 0, ...times(middle.length - 1, () => 1), 0])
  })

  it('writes nothing for nothing', () => {
    const writer = open()
    expect(writer.append([])).toHaveLength(0)
    expect(writer.state).toEqual({ serial: SERIAL, sequence: 0, granule: 0 })
  })
})

describe('OggOpusWriter, a file', () => {
  const file = (count: number, channels = 1) => {
    const writer = open(undefined, channels)
    const parts = [writer.head(), ...times(count, () => writer.append([silence()]))]
    return { growing: concatBytes(parts), ended: concatBytes([...parts, writer.finish()]) }
  }

  it('ends with a page without packets that says where the end is', () => {
    const last = pagesOf(file(50).ended).at(-1)
    expect(last).toMatchObject({ isFirst: false, isLast: true, granule: 50 * FRAME_TICKS, sequence: 52 })
    expect([last?.lacing.length, last?.payload.length]).toEqual([0, 0])
  })

  it.each([1, 2])('is measured exactly by our probe at every page: %i channels', (channels) => {
    for (const count of [1, 2, 49, 50, 51, 500]) {
      const { growing, ended } = file(count, channels)
      const expected = { format: 'ogg', codec: 'opus', sampleRateHz: 48_000, channels, durationMs: count * 20 }
      expect(probe(growing)).toEqual(expected)
      expect(probe(ended)).toEqual(expected)
    }
  })

  it.each([1, 2, 50, 500])('is decoded to every sample, with its end and without: %i packets', async (count) => {
    const { growing, ended } = file(count)
    const expected = { samplesDecoded: count * FRAME_TICKS, errors: [] }
    expect(await decode(growing)).toMatchObject(expected)
    expect(await decode(ended)).toMatchObject(expected)
  })

  it('may end without audio', () => {
    expect(probe(file(0).ended)).toMatchObject({ codec: 'opus', durationMs: 0 })
  })
})
