import { describe, expect, it } from 'vitest'
import { answerOffer, type OwnMedia, offerSdp, readAnswer, reofferSdp } from './answer.ts'
import { SDES_SUITES, type SdesKey, type SdesSuite } from './crypto.ts'
import { formatSdp } from './format-sdp.ts'
import type { SdpSession } from './offer.ts'
import { parseSdp } from './parse-sdp.ts'
import { PortAssignment } from './port-assignment.ts'

const SUITES = Object.keys(SDES_SUITES) as SdesSuite[]
const HEAD = ['v=0', 'o=sbc 1 1 IN IP4 192.0.2.1', 's=-', 'c=IN IP4 192.0.2.1', 't=0 0']
const CM_80 = 'AES_CM_128_HMAC_SHA1_80'
const CM_32 = 'AES_CM_128_HMAC_SHA1_32'
const GCM = 'AEAD_AES_128_GCM'

const parsed = (...lines: readonly string[]): SdpSession => {
  const session = parseSdp([...HEAD, ...lines, ''].join('\r\n'))
  if ('reason' in session) throw new Error(session.reason)
  return session
}
/** A key of one byte, and how it stands in a line. */
const keySalt = (suite: SdesSuite, byte: number): Uint8Array =>
  new Uint8Array(SDES_SUITES[suite].keySaltBytes).fill(byte)
const inline = (suite: SdesSuite, byte: number): string =>
  `inline:${Buffer.from(keySalt(suite, byte)).toString('base64')}`
const crypto = (tag: number, suite: SdesSuite, byte: number, more = ''): string =>
  `a=crypto:${tag} ${suite} ${inline(suite, byte)}${more}`

/** Ours for one session: keys of bytes 100, 101, … in the order that they are asked for, another when the peer has another. */
const own = (pairs: number, more: Partial<OwnMedia> = {}): OwnMedia => {
  const keys = new Map<string, SdesKey>()
  const localKey: NonNullable<OwnMedia['localKey']> = (lineIndex, suite, remoteKey) => {
    const name = [lineIndex, suite, remoteKey?.keySalt[0]].join()
    const key = keys.get(name) ?? { suite, keySalt: keySalt(suite, 100 + keys.size) }
    keys.set(name, key)
    return key
  }
  const all = Array.from({ length: pairs }, (_, at) => ({ rtpPort: 30_000 + 2 * at, rtcpPort: 30_001 + 2 * at }))
  return {
    host: '192.0.2.99',
    ports: new PortAssignment(all).pairOf,
    codecs: () => ['PCMU', 'PCMA', 'opus'],
    origin: { username: 'poulsen', sessionId: '1', version: '1' },
    localKey,
    ...more,
  }
}
const answerTo = (ours: OwnMedia, ...lines: readonly string[]) => {
  const answered = answerOffer(parsed(...lines), ours)
  const text = formatSdp(answered.session).trimEnd().split('\r\n')
  return { ...answered, text, media: text.filter((line) => /^(?:m=|a=(?:crypto|label))/.test(line)) }
}

describe('an offer with keys (RFC 4568 §5.1.2)', () => {
  it.each(['RTP/SAVP', 'RTP/SAVPF'])('is answered under the same tag with a key of ours, %s', (protocol) => {
    const { accepted, text } = answerTo(
      own(1),
      `m=audio 4000 ${protocol} 0`,
      crypto(4, CM_32, 1, '|2^20|1:4'),
      crypto(5, CM_80, 2),
    )
    expect(text.slice(5)).toEqual([
      `m=audio 30000 ${protocol} 0`,
      crypto(4, CM_32, 100),
      'a=rtpmap:0 PCMU/8000',
      'a=rtcp:30001',
      'a=recvonly',
    ])
    expect(accepted).toMatchObject([{ index: 0, format: { codec: 'PCMU' } }])
    expect(accepted[0]?.security).toEqual({
      suite: CM_32,
      remoteKey: { suite: CM_32, keySalt: keySalt(CM_32, 1), mki: Uint8Array.of(0, 0, 0, 1) },
      localKey: { suite: CM_32, keySalt: keySalt(CM_32, 100) },
    })
  })

  it('is answered with the first of its suites that is ours, whatever stands before', () => {
    const { media, accepted } = answerTo(
      own(1),
      'm=audio 4000 RTP/SAVP 0',
      `a=crypto:1 AES_256_CM_HMAC_SHA1_80 inline:${'A'.repeat(62)}==`,
      'a=crypto:2 garbage',
      crypto(3, CM_80, 1, ' UNENCRYPTED_SRTP'),
      `a=crypto:4 ${CM_80} inline:too=short`,
      crypto(5, GCM, 6),
      crypto(5, CM_80, 7),
      crypto(6, CM_80, 8),
    )
    expect(media[1]).toBe(crypto(5, GCM, 100))
    expect(accepted[0]?.media.crypto.map(({ tag, key }) => [tag, key.keySalt[0]])).toEqual([
      [5, 6],
      [6, 8],
    ])
  })

  it.each([
    ['no key', ['m=audio 4000 RTP/SAVP 0']],
    ['no key that may be chosen', ['m=audio 4000 RTP/SAVP 0', crypto(1, CM_80, 1, ' UNAUTHENTICATED_SRTP')]],
    ['a key of the session', [crypto(1, CM_80, 1), 'm=audio 4000 RTP/SAVP 0']],
    ['a key of DTLS', ['m=audio 4000 UDP/TLS/RTP/SAVPF 0', crypto(1, CM_80, 1)]],
    ['no codec', ['m=audio 4000 RTP/SAVP 18', crypto(1, CM_80, 1)]],
  ])('is refused with %s', (_, lines) => {
    const { accepted, session } = answerTo(own(1), ...lines)
    expect(accepted).toEqual([])
    expect(session.media).toMatchObject([{ port: 0, crypto: [] }])
    expect(formatSdp(session)).not.toContain('crypto')
  })

  it('is refused when we have no keys to give', () => {
    const { localKey: _, ...plain } = own(1)
    const lines = ['m=audio 4000 RTP/SAVP 0', crypto(1, CM_80, 1)]
    expect(answerOffer(parsed(...lines), plain).accepted).toEqual([])
  })

  it('leaves a line of RTP/AVP in the open even with keys', () => {
    const { media, accepted } = answerTo(own(1), 'm=audio 4000 RTP/AVP 0', crypto(1, CM_80, 1))
    expect(media).toEqual(['m=audio 30000 RTP/AVP 0'])
    expect(accepted[0]).not.toHaveProperty('security')
  })

  it('takes no line in the open when media must be protected', () => {
    const { media, accepted } = answerTo(
      own(2, { mediaSecurity: 'required' }),
      'm=audio 4000 RTP/AVP 0',
      crypto(1, CM_80, 1),
      'm=audio 4002 RTP/AVPF 0',
      'm=audio 4004 RTP/SAVP 0',
      crypto(1, CM_80, 1),
    )
    expect(media.filter((line) => line.startsWith('m='))).toEqual([
      'm=audio 0 RTP/AVP 0',
      'm=audio 0 RTP/AVPF 0',
      'm=audio 30000 RTP/SAVP 0',
    ])
    expect(accepted).toMatchObject([{ index: 2, security: { suite: CM_80 } }])
  })

  it('never has a key in what is said of a text that cannot be read', () => {
    const refusal = parseSdp([...HEAD, 'm=audio x RTP/SAVP 0', crypto(1, CM_80, 65)].join('\r\n'))
    expect(JSON.stringify(refusal)).not.toContain('QUFB')
  })
})

describe('lines and ports (RFC 3264 §8)', () => {
  it('has a key and ports of its own for each of four lines, protected or not', () => {
    const { media, accepted } = answerTo(
      own(4),
      'm=audio 4000 RTP/SAVP 0',
      crypto(1, CM_80, 1),
      'a=label:1',
      'm=audio 4002 RTP/AVP 0',
      'a=label:2',
      'm=audio 4004 RTP/SAVPF 0',
      crypto(1, CM_80, 1),
      'a=label:3',
      'm=audio 4006 RTP/SAVP 8',
      crypto(2, GCM, 3),
      'a=label:4',
    )
    expect(media).toEqual([
      'm=audio 30000 RTP/SAVP 0',
      crypto(1, CM_80, 100),
      'a=label:1',
      'm=audio 30002 RTP/AVP 0',
      'a=label:2',
      'm=audio 30004 RTP/SAVPF 0',
      crypto(1, CM_80, 101),
      'a=label:3',
      'm=audio 30006 RTP/SAVP 8',
      crypto(2, GCM, 102),
      'a=label:4',
    ])
    expect(accepted.map(({ index, security }) => [index, security?.suite])).toEqual([
      [0, CM_80],
      [1, undefined],
      [2, CM_80],
      [3, GCM],
    ])
  })

  it('never shifts the ports of lines behind one that ends, and gives one that comes back its own', () => {
    const ours = own(3)
    const offer = (...ports: readonly number[]) => ports.map((port) => `m=audio ${port} RTP/AVP 0`)
    const portsOf = (...lines: readonly string[]) => answerTo(ours, ...lines).session.media.map(({ port }) => port)
    expect(portsOf(...offer(4000, 4002))).toEqual([30_000, 30_002])
    expect(portsOf(...offer(0, 4002))).toEqual([0, 30_002])
    expect(portsOf(...offer(0, 4002, 4004))).toEqual([0, 30_002, 30_004])
    expect(portsOf(...offer(4000, 4002, 0))).toEqual([30_000, 30_002, 0])
    expect(portsOf(...offer(4000, 0, 4004, 4006))).toEqual([30_000, 0, 30_004, 0])
  })

  it('uses no ports up for lines that are refused', () => {
    const { accepted, session } = answerTo(
      own(2),
      'm=video 4000 RTP/AVP 96',
      'm=audio 4002 RTP/AVP 18',
      'm=audio 4004 RTP/SAVP 0',
      'm=audio 4006 RTP/AVP 0',
      'm=audio 4008 RTP/AVP 8',
      'm=audio 4010 RTP/AVP 0',
    )
    expect(session.media.map(({ port }) => port)).toEqual([0, 0, 0, 30_000, 30_002, 0])
    expect(accepted.map(({ index }) => index)).toEqual([3, 4])
  })

  it('never gives two lines the same ports, even if told to', () => {
    const ours = own(1, { ports: () => ({ rtpPort: 30_000, rtcpPort: 30_001 }) })
    const { session } = answerTo(ours, 'm=audio 4000 RTP/AVP 0', 'm=audio 4002 RTP/AVP 0')
    expect(session.media.map(({ port }) => port)).toEqual([30_000, 0])
  })

  it('keeps the codec of each line', () => {
    const ours = own(2, { codecs: (index) => [index === 0 ? 'PCMA' : 'PCMU'] })
    const { accepted } = answerTo(ours, 'm=audio 4000 RTP/AVP 0 8', 'm=audio 4002 RTP/AVP 0 8')
    expect(accepted.map(({ format }) => format.codec)).toEqual(['PCMA', 'PCMU'])
  })
})

describe('keys in later offers (RFC 4568 §7.1.4)', () => {
  const ours = own(2)
  const offer = (tag: number, suite: SdesSuite, byte: number) =>
    answerTo(ours, 'm=audio 4000 RTP/SAVP 0', crypto(tag, suite, byte)).accepted[0]?.security

  it('stay, and become others, both with the peer’s', () => {
    const first = offer(1, CM_80, 1)
    expect(offer(2, CM_80, 1)).toEqual(first)
    const second = offer(1, CM_80, 2)
    expect(second?.remoteKey.keySalt).toEqual(keySalt(CM_80, 2))
    expect(second?.localKey.keySalt).not.toEqual(first?.localKey.keySalt)
    expect(offer(1, GCM, 3)).toMatchObject({ suite: GCM, remoteKey: { suite: GCM }, localKey: { suite: GCM } })
  })

  it('are kept in an offer of ours', () => {
    const answered = answerTo(ours, 'm=audio 4000 RTP/SAVP 0', crypto(9, CM_80, 1), 'm=audio 0 RTP/AVP 0')
    const again = reofferSdp(answered.session, ours)
    expect(again.media[0]?.crypto).toEqual(answered.session.media[0]?.crypto)
    expect(formatSdp(again)).toContain(`m=audio 30000 RTP/SAVP 0\r\na=crypto:9 ${CM_80} `)
    const answer = parsed('m=audio 4000 RTP/SAVP 0', crypto(9, CM_80, 44), 'm=audio 4002 RTP/AVP 0')
    expect(readAnswer(again, answer)).toMatchObject([
      {
        index: 0,
        security: { remoteKey: { keySalt: keySalt(CM_80, 44) }, localKey: again.media[0]?.crypto[0]?.key },
      },
    ])
  })
})

describe('an offer of ours', () => {
  it('is in the open unless media must be protected', () => {
    expect(offerSdp(own(2), 2).media).toMatchObject([
      { protocol: 'RTP/AVP', port: 30_000, crypto: [] },
      { protocol: 'RTP/AVP', port: 30_002, crypto: [] },
    ])
  })

  it('has lines only as far as there are ports', () => {
    expect(offerSdp(own(2), 3).media).toHaveLength(2)
    expect(offerSdp(own(40), 1_000).media).toHaveLength(32)
  })

  describe('of media that must be protected', () => {
    const ours = own(2, { mediaSecurity: 'required' })
    const offer = offerSdp(ours, 2)

    it('has a key of each suite for each line, the strongest first', () => {
      expect(formatSdp(offer).split('\r\n').slice(5, 10)).toEqual([
        'm=audio 30000 RTP/SAVP 0 8 111 101',
        ...SUITES.map((suite, at) => crypto(at + 1, suite, 100 + at)),
      ])
      expect(offer.media[1]?.crypto.map(({ key }) => key.keySalt[0])).toEqual([104, 105, 106, 107])
    })

    it('is agreed on by the line that the answer chooses', () => {
      const answer = parsed(
        'm=audio 4000 RTP/SAVP 0',
        crypto(3, CM_80, 8),
        'm=audio 4002 RTP/SAVPF 8',
        crypto(1, 'AEAD_AES_256_GCM', 9),
      )
      expect(readAnswer(offer, answer).map(({ index, security }) => [index, security])).toEqual([
        [
          0,
          {
            suite: CM_80,
            remoteKey: { suite: CM_80, keySalt: keySalt(CM_80, 8) },
            localKey: { suite: CM_80, keySalt: keySalt(CM_80, 102) },
          },
        ],
        [
          1,
          {
            suite: 'AEAD_AES_256_GCM',
            remoteKey: { suite: 'AEAD_AES_256_GCM', keySalt: keySalt('AEAD_AES_256_GCM', 9) },
            localKey: { suite: 'AEAD_AES_256_GCM', keySalt: keySalt('AEAD_AES_256_GCM', 104) },
          },
        ],
      ])
    })

    it.each([
      ['in the open', ['m=audio 4000 RTP/AVP 0', crypto(3, CM_80, 8)]],
      ['without a key', ['m=audio 4000 RTP/SAVP 0']],
      ['with a tag that was not offered', ['m=audio 4000 RTP/SAVP 0', crypto(5, CM_80, 8)]],
      ['with the tag of another suite', ['m=audio 4000 RTP/SAVP 0', crypto(1, CM_80, 8)]],
      ['with a line that is ended', ['m=audio 0 RTP/SAVP 0', crypto(3, CM_80, 8)]],
    ])('is not agreed on %s', (_, lines) => expect(readAnswer(offer, parsed(...lines))).toEqual([]))
  })

  it('is never in the open when media must be protected, not even without keys', () => {
    const { localKey: _, ...keyless } = own(1, { mediaSecurity: 'required' })
    const offer = offerSdp(keyless, 1)
    expect(offer.media).toMatchObject([{ protocol: 'RTP/SAVP', crypto: [] }])
    expect(readAnswer(offer, parsed('m=audio 4000 RTP/SAVP 0', crypto(1, CM_80, 8)))).toEqual([])
  })

  it('in the open is not agreed on with keys', () => {
    const answer = parsed('m=audio 4000 RTP/SAVP 0', crypto(1, CM_80, 8))
    expect(readAnswer(offerSdp(own(1), 1), answer)).toEqual([])
    expect(readAnswer(offerSdp(own(1), 1), parsed('m=audio 4000 RTP/AVPF 0'))).toMatchObject([{ index: 0 }])
  })
})
