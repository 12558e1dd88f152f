import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { aBareLine, aBareOffer, CHROMIUM_OFFER, TRANSPORT } from '../../../test/builders/webrtc-offer.ts'
import { isCandidate } from './ice-candidate.ts'
import { parseSdp } from './parse-sdp.ts'
import { formatWebRtcAnswer } from './webrtc-answer.ts'
import { parseWebRtcOffer, type WebRtcOffer } from './webrtc-offer.ts'

const LINE_BREAK = /[\r\n\u2028\u2029]/
const PRINTABLE = /^[\x20-\x7e]*$/

/** Every text in a value, however deep. */
const textsOf = (value: unknown): readonly string[] => {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsOf) : []
}

const answerTo = (offer: WebRtcOffer): string => formatWebRtcAnswer({ ...offer, setup: 'passive', sessionId: '1' })

/** Whatever an accepted offer carries may be written into another description, and its answer is one. */
const expectSound = (offer: WebRtcOffer): void => {
  const { ice, fingerprint, candidates, lines, isBundled } = offer
  expect(textsOf(offer).filter((text) => LINE_BREAK.test(text))).toEqual([])
  expect(ice.ufrag).toMatch(/^[A-Za-z0-9+/]{4,256}$/)
  expect(ice.pwd).toMatch(/^[A-Za-z0-9+/]{22,256}$/)
  expect(fingerprint.algorithm).toMatch(/^sha-(256|384|512)$/)
  expect(fingerprint.value).toMatch(/^([0-9A-F]{2}:){31,63}[0-9A-F]{2}$/)
  expect(fingerprint.value.split(':')).toHaveLength(Number(fingerprint.algorithm.slice(4)) / 8)
  expect(candidates.filter((candidate) => !isCandidate(candidate) || !PRINTABLE.test(candidate))).toEqual([])
  for (const { mid, opus, ssrcs } of lines) {
    expect(mid).toMatch(/^[\x21\x23-\x27\x2a\x2b\x2d\x2e\x30-\x39\x41-\x5a\x5e-\x7e]{1,32}$/)
    expect(opus.payloadType).toBeGreaterThanOrEqual(0)
    expect(opus.payloadType).toBeLessThan(128)
    expect(opus.payloadType < 64 || opus.payloadType > 95).toBe(true)
    expect(ssrcs.filter((ssrc) => !Number.isInteger(ssrc) || ssrc < 0 || ssrc >= 2 ** 32)).toEqual([])
  }
  const answer = answerTo(offer)
  const written = 4 + (isBundled ? 1 : 0) + lines.length * 11 + candidates.length + 1
  expect(answer.split(/\r\n|\r|\n/)).toHaveLength(written + 1)
  const parsed = parseSdp(answer)
  if ('reason' in parsed) throw new Error(parsed.reason)
  expect(parsed.media.map(({ formats }) => formats)).toEqual(lines.map(({ opus }) => String(opus.payloadType)))
}

/** Sound or refused; true when it was sound. */
const judge = (text: string): boolean => {
  const offer = parseWebRtcOffer(text)
  if ('reason' in offer) {
    expect(['damaged', 'unsupported']).toContain(offer.kind)
    expect(offer.reason).not.toBe('')
    return false
  }
  expectSound(offer)
  return true
}

/** What somebody might slip into a value. */
const evil = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.constantFrom('\r\na=x', '\n', '\u2028', '\0', ' ', ';', ':', '%0d%0a', 'm=audio 9 RTP/AVP 0', '=', '/'),
)
/** A good value, mostly; else one with something in it. */
const spoilt = (good: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 12, arbitrary: good },
    {
      weight: 1,
      arbitrary: fc
        .tuple(good, evil, fc.nat(40))
        .map(([text, piece, at]) => text.slice(0, at) + piece + text.slice(at)),
    },
  )
const hexBytes = (count: number) =>
  fc
    .uint8Array({ minLength: count, maxLength: count })
    .map((bytes) => Buffer.from(bytes).toString('hex').match(/../g)?.join(':') ?? '')
const charsOf = (alphabet: string, minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...alphabet), minLength, maxLength })

const ICE_CHARS = 'abcXYZ019+/'
const candidate = fc
  .tuple(fc.nat(2 ** 31), fc.constantFrom('192.0.2.1', 'fd00::1', 'x.local'), fc.nat(70_000), charsOf('ab0-', 1, 8))
  .map(([priority, address, port, word]) => `candidate:1 1 udp ${priority} ${address} ${port} typ host x ${word}`)
const transport = fc
  .tuple(
    spoilt(charsOf(ICE_CHARS, 4, 9)),
    spoilt(charsOf(ICE_CHARS, 22, 30)),
    spoilt(hexBytes(32)),
    spoilt(fc.constant('active')),
  )
  .map(([ufrag, pwd, print, setup]) => [
    `a=ice-ufrag:${ufrag}`,
    `a=ice-pwd:${pwd}`,
    `a=fingerprint:sha-256 ${print}`,
    `a=setup:${setup}`,
  ])
const line = fc
  .tuple(
    spoilt(charsOf("aZ0!#$%&'*+-.^_`{|}~", 1, 6)),
    fc.array(spoilt(candidate), { maxLength: 3 }),
    fc.array(spoilt(fc.nat().map(String)), { maxLength: 3 }),
    spoilt(fc.constantFrom('sprop-stereo=1', 'a=b')),
  )
  .map(([mid, candidates, ssrcs, parameters]) => ({
    mid,
    text: aBareLine(mid, [
      ...candidates.map((each) => `a=${each}`),
      ...ssrcs.map((ssrc) => `a=ssrc:${ssrc} cname:x`),
      `a=fmtp:111 ${parameters}`,
    ]),
  }))

describe('parseWebRtcOffer', () => {
  it('gives an offer or a refusal, whatever the text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void judge(text)))
    const words = fc.constantFrom(...CHROMIUM_OFFER.split('\r\n'), '\r\n', '\r', '\n', 'a=', 'm=', ' ')
    fc.assert(
      fc.property(fc.array(fc.oneof(words, evil), { maxLength: 40 }), (pieces) => {
        judge(`v=0\r\no=- 1 1 IN IP4 h\r\n${pieces.join('')}`)
        judge(`v=0\r\no=- 1 1 IN IP4 h\r\n${pieces.join('\r\n')}`)
      }),
    )
  })

  it('lets nothing through that could break out of its line, whatever is changed', () => {
    const change = fc.tuple(fc.nat(CHROMIUM_OFFER.length), evil, fc.nat(3))
    fc.assert(
      fc.property(fc.array(change, { maxLength: 3 }), (changes) => {
        judge(
          changes.reduce(
            (text, [at, piece, dropped]) => text.slice(0, at) + piece + text.slice(at + dropped),
            CHROMIUM_OFFER,
          ),
        )
      }),
      { numRuns: 300 },
    )
  })

  it('lets nothing through that could break out of its line, whatever is said', () => {
    let accepted = 0
    fc.assert(
      fc.property(
        fc.array(line, { minLength: 1, maxLength: 4 }),
        fc.boolean(),
        transport,
        (lines, saysBundle, said) => {
          const group = `a=group:BUNDLE ${lines.map(({ mid }) => mid).join(' ')}`
          const session = saysBundle || lines.length > 1 ? [group, ...said] : said
          if (
            judge(
              aBareOffer(
                lines.map(({ text }) => text),
                session,
              ),
            )
          )
            accepted += 1
        },
      ),
      { numRuns: 500 },
    )
    // Refusing everything would prove nothing.
    expect(accepted).toBeGreaterThan(50)
    expect(judge(aBareOffer([aBareLine('0')], TRANSPORT))).toBe(true)
  })
})
