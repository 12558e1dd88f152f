import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isRtcp } from './packet.ts'
import { formatReceiverReport, parseRtcp, type ReportBlock, type RtcpNews } from './rtcp.ts'

const uint32 = (value: number): number[] => [value >>> 24, (value >> 16) & 255, (value >> 8) & 255, value & 255]
const text = (word: string): number[] => [...new TextEncoder().encode(word)]

/** One packet of a type, padded to whole words, with a length that is right. */
const packet = (type: number, count: number, body: readonly number[]): number[] => {
  const padded = [...body, ...Array.from({ length: (4 - (body.length % 4)) % 4 }, () => 0)]
  return [0x80 | count, type, 0, padded.length / 4, ...padded]
}

const senderReport = (ssrc: number, blocks = 0): number[] =>
  packet(200, blocks, [
    ...uint32(ssrc),
    ...[0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88],
    ...Array.from({ length: 12 + 24 * blocks }, () => 1),
  ])
const chunk = (ssrc: number, items: readonly (readonly [number, string])[]): number[] => {
  const bytes = [...uint32(ssrc), ...items.flatMap(([type, value]) => [type, text(value).length, ...text(value)]), 0]
  return [...bytes, ...Array.from({ length: (4 - (bytes.length % 4)) % 4 }, () => 0)]
}
const description = (...chunks: readonly (readonly number[])[]): number[] => packet(202, chunks.length, chunks.flat())
const application = packet(204, 3, [...uint32(9), ...text('POUL'), 1, 2, 3, 4])

const parse = (...packets: readonly (readonly number[])[]) => parseRtcp(Uint8Array.from(packets.flat()))
const news = (parts: Partial<RtcpNews> = {}): RtcpNews => ({
  senderReports: [],
  cnames: new Map(),
  byes: [],
  ...parts,
})

describe('parseRtcp', () => {
  it('reads a compound of everything', () => {
    const goodbye = packet(203, 2, [...uint32(0xfffffffe), ...uint32(7), 4, ...text('over')])
    const names = description(
      chunk(0xfffffffe, [
        [2, 'Valdemar'],
        [1, 'a@b'],
      ]),
      chunk(7, [[1, 'ø']]),
    )
    expect(parse(senderReport(0xfffffffe, 2), packet(201, 0, uint32(3)), names, application, goodbye)).toEqual(
      news({
        senderReports: [{ ssrc: 0xfffffffe, ntpMiddle: 0x33445566 }],
        cnames: new Map([
          [0xfffffffe, 'a@b'],
          [7, 'ø'],
        ]),
        byes: [0xfffffffe, 7],
      }),
    )
  })

  it('reads packets that stand alone (RFC 5506), and skips what it does not know', () => {
    expect(parse(description(chunk(1, [[1, 'x']])))).toEqual(news({ cnames: new Map([[1, 'x']]) }))
    expect(parse(packet(205, 15, uint32(1)), packet(207, 0, []), packet(255, 31, []))).toEqual(news())
  })

  it.each([1, 2, 3, 4, 5, 6, 7, 8])('finds the next chunk behind a name of %i bytes', (length) => {
    const name = 'n'.repeat(length)
    const both = description(chunk(1, [[1, name]]), chunk(2, [[1, 'next']]))
    expect(parse(both)).toEqual(
      news({
        cnames: new Map([
          [1, name],
          [2, 'next'],
        ]),
      }),
    )
  })

  it('takes nothing from packets that hold less than they count', () => {
    expect(parse(packet(203, 31, uint32(5)))).toEqual(news({ byes: [5] }))
    expect(parse(packet(200, 0, uint32(5)))).toEqual(news())
    expect(parse(packet(202, 31, []))).toEqual(news())
    expect(parse(packet(202, 1, [...uint32(5), 1, 200, 65, 66]))).toEqual(news())
    expect(parse(packet(202, 2, chunk(5, [[1, 'only']])))).toEqual(news({ cnames: new Map([[5, 'only']]) }))
  })

  it.each([
    ['nothing', [], 'too-short'],
    ['three bytes', [0x80, 201, 0], 'too-short'],
    ['version 1', [0x40, 201, 0, 0], 'wrong-version'],
    ['a second packet of another version', [...packet(201, 0, uint32(1)), 0, 201, 0, 0], 'wrong-version'],
    ['a packet longer than what came', [0x80, 201, 0, 1], 'bad-length'],
    ['bytes behind the last packet', [...packet(201, 0, uint32(1)), 0x80], 'bad-length'],
  ] as const)('refuses %s', (_, bytes, reason) => {
    expect(parse([...bytes])).toBe(reason)
  })

  it('refuses a compound that is cut within a packet', () => {
    const first = senderReport(1)
    const bytes = Uint8Array.from([...first, ...description(chunk(1, [[1, 'name']]))])
    for (let length = 0; length < bytes.length; length += 1) {
      const outcome = parseRtcp(bytes.subarray(0, length))
      if (length === first.length) expect(outcome).toMatchObject({ byes: [] })
      else expect(outcome, `${length} bytes`).toMatch(/^(too-short|bad-length)$/)
    }
  })

  it('reads no more packets than a datagram should have', () => {
    expect(parse(...Array.from({ length: 1000 }, (_, ssrc) => packet(203, 1, uint32(ssrc))))).toMatchObject({
      byes: Array.from({ length: 64 }, (_, ssrc) => ssrc),
    })
  })

  it('never throws, and tells no more than its bytes can hold', () => {
    const typed = fc
      .tuple(fc.nat(31), fc.integer({ min: 200, max: 204 }), fc.uint8Array({ maxLength: 96 }))
      .map(([count, type, body]) => packet(type, count, [...body]))
    const changed = fc
      .tuple(fc.array(typed, { maxLength: 4 }), fc.array(fc.tuple(fc.nat(300), fc.nat(255)), { maxLength: 3 }))
      .map(([packets, changes]) => {
        const bytes = Uint8Array.from(packets.flat())
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value
        return bytes
      })
    fc.assert(
      fc.property(fc.oneof(changed, fc.uint8Array({ maxLength: 200 })), (bytes) => {
        const found = parseRtcp(bytes)
        if (typeof found === 'string') return
        const told = found.byes.length + found.cnames.size + found.senderReports.length
        expect(4 * told).toBeLessThanOrEqual(bytes.length)
      }),
    )
  })
})

describe('formatReceiverReport', () => {
  const block: ReportBlock = {
    ssrc: 0xdeadbeef,
    fractionLost: 255,
    cumulativeLost: 0x123456,
    highestSequence: 0x0001ffff,
    jitterTicks: 80.6,
    lastSenderReport: 0x80000001,
    delaySinceLastSenderReport: 65_536,
  }

  it('writes a report and a name, byte for byte', () => {
    expect([...formatReceiverReport(0x01020304, block, 'cn')]).toEqual([
      ...packet(201, 1, [
        ...uint32(0x01020304),
        ...uint32(0xdeadbeef),
        ...[255, 0x12, 0x34, 0x56],
        ...uint32(0x0001ffff),
        ...uint32(81),
        ...uint32(0x80000001),
        ...uint32(65_536),
      ]),
      ...description(chunk(0x01020304, [[1, 'cn']])),
    ])
  })

  it('writes a report about nobody', () => {
    expect([...formatReceiverReport(1, undefined, '')]).toEqual([
      ...packet(201, 0, uint32(1)),
      ...description(chunk(1, [[1, '']])),
    ])
  })

  it('keeps what is lost within 24 bits, beside the fraction', () => {
    const lost = (cumulativeLost: number) => [
      ...formatReceiverReport(1, { ...block, cumulativeLost }, '').slice(12, 16),
    ]
    expect(lost(1e9)).toEqual([255, 0x7f, 0xff, 0xff])
    expect(lost(-5)).toEqual([255, 0, 0, 0])
  })

  it('is RTCP that parseRtcp reads, whatever the name', () => {
    fc.assert(
      fc.property(fc.nat(0xffffffff), fc.string({ unit: 'grapheme', maxLength: 300 }), (ssrc, cname) => {
        const bytes = formatReceiverReport(ssrc, block, cname)
        expect(isRtcp(bytes)).toBe(true)
        expect(bytes.length % 4).toBe(0)
        const parsed = parseRtcp(bytes)
        if (typeof parsed === 'string') throw new Error(parsed)
        const told = parsed.cnames.get(ssrc) ?? ''
        if (new TextEncoder().encode(cname).length <= 255) expect(told).toBe(cname)
        else expect(bytes[41]).toBe(255)
      }),
    )
  })
})
