import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatRtp, isRtcp, makeRtpHeader, parseRtp, RTP_HEADER_BYTES } from './packet.ts'

const EXTENSION_BIT = 0x10
const PADDING_BIT = 0x20

/** A packet with everything that a header may have. */
const packet = (parts: {
  readonly csrcs?: number
  readonly extensionWords?: number
  readonly payload?: readonly number[]
  readonly padding?: number
}): Uint8Array => {
  const { csrcs = 0, extensionWords, payload = [], padding = 0 } = parts
  const hasExtension = extensionWords !== undefined
  const first = 0x80 | csrcs | (hasExtension ? EXTENSION_BIT : 0) | (padding > 0 ? PADDING_BIT : 0)
  return Uint8Array.from([
    ...[first, 0x80 | 96, 0xfe, 0xdc, 0xff, 0, 0, 1, 0x89, 0xab, 0xcd, 0xef],
    ...Array.from({ length: 4 * csrcs }, () => 7),
    ...(hasExtension ? [0xbe, 0xde, extensionWords >> 8, extensionWords & 255] : []),
    ...Array.from({ length: 4 * (extensionWords ?? 0) }, () => 9),
    ...payload,
    ...Array.from({ length: padding }, (_, index) => (index === padding - 1 ? padding : 0)),
  ])
}

const parse = (bytes: Uint8Array) => {
  const header = makeRtpHeader()
  return parseRtp(bytes, header) ?? { ...header, payload: [...bytes.subarray(header.payloadOffset, header.payloadEnd)] }
}

describe('parseRtp', () => {
  it('reads every field, unsigned', () => {
    expect(parse(packet({ payload: [1, 2, 3] }))).toEqual({
      payloadType: 96,
      marker: true,
      sequence: 0xfedc,
      timestamp: 0xff000001,
      ssrc: 0x89abcdef,
      csrcCount: 0,
      payloadOffset: 12,
      payloadEnd: 15,
      payload: [1, 2, 3],
    })
  })

  it('finds the payload behind contributing sources and an extension, before padding', () => {
    expect(parse(packet({ csrcs: 15, extensionWords: 3, payload: [5, 6], padding: 4 }))).toMatchObject({
      csrcCount: 15,
      payloadOffset: 12 + 60 + 16,
      payload: [5, 6],
    })
    expect(parse(packet({ extensionWords: 0, payload: [8] }))).toMatchObject({ payload: [8] })
    expect(parse(packet({ padding: 1 }))).toMatchObject({ payload: [] })
  })

  it('reads a packet that is a part of a larger buffer', () => {
    const whole = new Uint8Array(64).fill(255)
    whole.set(packet({ payload: [1, 2] }), 9)
    expect(parse(whole.subarray(9, 9 + 14))).toMatchObject({ payload: [1, 2], ssrc: 0x89abcdef })
  })

  it.each([
    ['nothing', new Uint8Array(), 'too-short'],
    ['version 1', Uint8Array.from([0x40, ...packet({}).subarray(1)]), 'wrong-version'],
    ['STUN', Uint8Array.from([0, 1, ...packet({}).subarray(2)]), 'wrong-version'],
    ['sources that are not there', Uint8Array.from([0x81, ...packet({}).subarray(1)]), 'too-short'],
    ['an extension that is not there', Uint8Array.from([0x90, ...packet({}).subarray(1)]), 'bad-extension'],
    ['an extension longer than the packet', packet({ extensionWords: 3 }).subarray(0, 27), 'bad-extension'],
    ['padding that says nothing', Uint8Array.from([0xa0, ...packet({ payload: [0] }).subarray(1)]), 'bad-padding'],
    [
      'padding longer than what follows',
      Uint8Array.from([0xa0, ...packet({ payload: [2] }).subarray(1)]),
      'bad-padding',
    ],
    ['padding of no payload', Uint8Array.from([0xa0, ...packet({}).subarray(1)]), 'bad-padding'],
  ])('refuses %s', (_, bytes, reason) => {
    expect(parse(bytes)).toBe(reason)
  })

  it('refuses a packet that is cut anywhere before its payload, and leaves the last one as it was', () => {
    const bytes = packet({ csrcs: 2, extensionWords: 2, payload: [1] })
    const header = makeRtpHeader()
    for (let length = 0; length < bytes.length - 1; length += 1) {
      expect(parseRtp(bytes.subarray(0, length), header), `${length} bytes`).toMatch(/^(too-short|bad-extension)$/)
    }
    expect(header).toEqual(makeRtpHeader())
  })

  it('never throws, and its payload lies within any bytes that it takes', () => {
    const header = makeRtpHeader()
    const headed = fc
      .tuple(fc.constantFrom(0x80, 0x90, 0xa0, 0xb0, 0x8f, 0xbf), fc.uint8Array({ maxLength: 120 }))
      .map(([first, rest]) => Uint8Array.from([first, ...rest]))
    fc.assert(
      fc.property(fc.oneof(headed, fc.uint8Array({ maxLength: 120 })), (bytes) => {
        if (parseRtp(bytes, header) !== undefined) return
        expect(header.payloadOffset).toBeGreaterThanOrEqual(RTP_HEADER_BYTES + 4 * header.csrcCount)
        expect(header.payloadEnd).toBeGreaterThanOrEqual(header.payloadOffset)
        expect(header.payloadEnd).toBeLessThanOrEqual(bytes.length)
      }),
    )
  })

  it('reads what formatRtp writes', () => {
    const headers = fc.record({
      payloadType: fc.nat(127),
      marker: fc.boolean(),
      sequence: fc.nat(0xffff),
      timestamp: fc.nat(0xffffffff),
      ssrc: fc.nat(0xffffffff),
    })
    fc.assert(
      fc.property(headers, fc.uint8Array({ maxLength: 200 }), (header, payload) => {
        expect(parse(formatRtp(header, payload))).toMatchObject({ ...header, csrcCount: 0, payload: [...payload] })
      }),
    )
  })
})

describe('isRtcp', () => {
  it('tells the packet types of RTCP from payload types with and without a marker', () => {
    const types = Array.from({ length: 256 }, (_, type) => type)
    expect(types.filter((type) => isRtcp(Uint8Array.of(0x80, type)))).toEqual(types.slice(192, 224))
    expect(isRtcp(new Uint8Array())).toBe(false)
    expect(isRtcp(packet({}))).toBe(false)
  })
})
