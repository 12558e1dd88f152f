import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { answerOffer, type OwnMedia } from './answer.ts'
import { SDES_SUITES, type SdesSuite } from './crypto.ts'
import { formatSdp } from './format-sdp.ts'
import type { SdpSession } from './offer.ts'
import { parseSdp } from './parse-sdp.ts'

const own = (): OwnMedia => ({
  host: '192.0.2.99',
  ports: (lineIndex) => ({ rtpPort: 30_000 + 2 * lineIndex, rtcpPort: 30_001 + 2 * lineIndex }),
  codecs: () => ['PCMU', 'PCMA', 'G722', 'L16', 'opus'],
  localKey: (_, suite) => ({ suite, keySalt: new Uint8Array(SDES_SUITES[suite].keySaltBytes) }),
  origin: { username: 'poulsen', sessionId: '1', version: '2' },
})
const sdp = (...lines: readonly string[]) =>
  ['v=0', 'o=pbx 1 2 IN IP4 192.0.2.1', 's=-', 'c=IN IP4 192.0.2.1', 't=0 0', ...lines, ''].join('\r\n')

describe('parseSdp and formatSdp', () => {
  it('gives back what was formatted', () => {
    const codec = fc.record({
      payloadType: fc.integer({ min: 96, max: 127 }),
      name: fc.constantFrom('opus', 'L16', 'telephone-event', 'x-Other.1'),
      clockRateHz: fc.constantFrom(8000, 16_000, 44_100, 48_000),
      channels: fc.constantFrom(1, 2),
      parameters: fc.constantFrom(undefined, '0-15', 'stereo=0;useinbandfec=1', 'a b = c'),
    })
    const mki = fc.option(fc.uint8Array({ minLength: 1, maxLength: 128 }), { nil: undefined })
    const sdesKey = fc
      .tuple(fc.constantFrom(...(Object.keys(SDES_SUITES) as SdesSuite[])), mki, fc.nat(255))
      .map(([suite, identifier, byte]) => ({
        suite,
        keySalt: new Uint8Array(SDES_SUITES[suite].keySaltBytes).fill(byte),
        ...(identifier && { mki: identifier }),
      }))
    const address = fc.constantFrom('192.0.2.4', '2001:db8::4', '0.0.0.0')
    const line = fc
      .record({
        protocol: fc.constantFrom('RTP/AVP', 'RTP/SAVPF'),
        port: fc.integer({ min: 1, max: 65_535 }),
        rtcpPort: fc.integer({ min: 1, max: 65_535 }),
        rtcpAddress: address,
        address,
        codecs: fc.uniqueArray(codec, { selector: ({ payloadType }) => payloadType, minLength: 1, maxLength: 6 }),
        label: fc.constantFrom(undefined, '1', 'caller'),
        crypto: fc.array(sdesKey, { maxLength: 4 }),
        ptimeMs: fc.constantFrom(undefined, 20, 60),
      })
      .map((parts): SdpSession['media'][number] => ({
        ...parts,
        type: 'audio',
        family: parts.address.includes(':') ? 6 : 4,
        direction: parts.address === '0.0.0.0' ? 'sendonly' : 'sendrecv',
        isRtcpMultiplexed: false,
        crypto: parts.crypto.map((key, at) => ({ tag: at + 1, key })),
        formats: parts.codecs.map(({ payloadType }) => payloadType).join(' '),
      }))
    fc.assert(
      fc.property(fc.array(line, { maxLength: 4 }), (media) => {
        const session = { origin: { username: '-', sessionId: '12', version: '3' }, media }
        expect(parseSdp(formatSdp(session))).toEqual(session)
      }),
    )
  })

  it('never throws, whatever the text', () => {
    const words = fc.constantFrom(
      'v=0',
      'o=- 1 1 IN IP4 h',
      'c=IN IP4 h',
      'm=',
      'audio ',
      '9 ',
      'RTP/AVP ',
      'RTP/SAVP ',
      'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:',
      'A'.repeat(40),
      'a=rtpmap:',
      '0 ',
      '/',
      '\r',
      '\n',
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(words, fc.string())), (pieces) => {
        const session = parseSdp(`v=0\r\no=- 1 1 IN IP4 h\r\nc=IN IP4 h\r\n${pieces.join('')}`)
        if (!('reason' in session)) formatSdp(answerOffer(session, own()).session)
      }),
    )
  })

  it('never throws, whatever is changed', () => {
    const valid = sdp(
      'm=audio 4000 RTP/AVP 0 96',
      'a=rtpmap:96 opus/48000/2',
      'a=fmtp:96 a=b',
      'a=rtcp:1 IN IP4 h',
      'a=ptime:20',
      'm=audio 4002 RTP/SAVP 0',
      `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${'A'.repeat(40)}|2^20|1:4 WSH=64`,
    )
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(valid.length), fc.string({ maxLength: 4 }))),
        fc.nat(valid.length),
        (changes, cut) => {
          let text = valid.slice(0, cut)
          for (const [at, piece] of changes) text = text.slice(0, at) + piece + text.slice(at + piece.length)
          const session = parseSdp(text)
          if (!('reason' in session)) formatSdp(answerOffer(session, own()).session)
        },
      ),
    )
  })
})
