import { describe, expect, it } from 'vitest'
import {
  aBareLine,
  aBareOffer,
  acceptedOffer,
  aTwoLineOffer,
  CANDIDATE,
  CHROMIUM_OFFER,
  FINGERPRINT,
  ICE,
  type OfferedLine,
  TRANSPORT,
} from '../../../test/builders/webrtc-offer.ts'
import { CANDIDATES_MAX } from './ice-candidate.ts'
import { parseWebRtcOffer, WEBRTC_LINES_MAX } from './webrtc-offer.ts'

const OPUS = { payloadType: 111, name: 'opus', clockRateHz: 48_000, channels: 2, parameters: undefined }

/** One line, with attributes in place of others, or without them. */
const oneLine = (from: string, ...to: readonly string[]): string =>
  aBareOffer([aBareLine('0').flatMap((line) => (line === from ? to : [line]))])
const transportWithout = (name: string): readonly string[] => TRANSPORT.filter((line) => !line.startsWith(`a=${name}:`))
/** One line over a transport that has other attributes of a name. */
const withTransport = (name: string, ...values: readonly string[]): string =>
  aBareOffer([aBareLine('0')], [...transportWithout(name), ...values.map((value) => `a=${name}:${value}`)])
/** A fingerprint of so many bytes. */
const printOf = (bytes: number): string => Array(bytes).fill('A9').join(':')
/** One line that has Opus under each of these payload types. */
const withTypes = (...types: readonly number[]): string => {
  const maps = types.map((type) => `a=rtpmap:${type} opus/48000/2`)
  const [, ...rest] = aBareLine('0').filter((line) => !line.startsWith('a=rtpmap:'))
  return aBareOffer([[`m=audio 9 UDP/TLS/RTP/SAVPF ${types.join(' ')}`, ...rest, ...maps]])
}
/** The same line with port 0. */
const turnedOff = (line: OfferedLine): OfferedLine => line.map((each) => each.replace('m=audio 9 ', 'm=audio 0 '))
const numbered = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => String(index))
const bundleOf = (...mids: readonly string[]): string =>
  aBareOffer(
    mids.map((mid) => aBareLine(mid)),
    [`a=group:BUNDLE ${mids.join(' ')}`, ...TRANSPORT],
  )

describe('an offer', () => {
  it('of Chromium is read, with the candidates that can be used', () => {
    expect(parseWebRtcOffer(CHROMIUM_OFFER)).toEqual({
      ice: ICE,
      fingerprint: { algorithm: 'sha-256', value: FINGERPRINT },
      setup: 'actpass',
      candidates: [CANDIDATE, 'candidate:3620194890 1 udp 2122265343 fd00::2 40736 typ host generation 0 network-id 2'],
      lines: [
        {
          mid: '0',
          opus: { ...OPUS, parameters: 'minptime=10;useinbandfec=1' },
          isStereo: false,
          ssrcs: [2_059_107_587],
        },
      ],
      isBundled: true,
    })
  })

  it('of two lines has what the session says, ICE and DTLS too', () => {
    expect(parseWebRtcOffer(aTwoLineOffer())).toEqual({
      ice: ICE,
      fingerprint: { algorithm: 'sha-256', value: FINGERPRINT },
      setup: 'actpass',
      candidates: [CANDIDATE],
      lines: [
        { mid: 'left', opus: OPUS, isStereo: false, ssrcs: [1] },
        { mid: 'right', opus: OPUS, isStereo: false, ssrcs: [2] },
      ],
      isBundled: true,
    })
  })

  it('has its transport from the first line before the session', () => {
    const own = ['a=ice-ufrag:line', `a=ice-pwd:${'p'.repeat(22)}`, `a=${CANDIDATE}`, 'a=setup:active']
    const session = ['a=group:BUNDLE a b', ...TRANSPORT]
    const { ice, setup, candidates } = acceptedOffer(aBareOffer([aBareLine('a', own), aBareLine('b')], session))
    expect({ ice, setup, candidates }).toEqual({
      ice: { ufrag: 'line', pwd: 'p'.repeat(22) },
      setup: 'active',
      candidates: [CANDIDATE],
    })
  })

  it('may have a line that is there in the bundle only, with port 0 (RFC 9143 §6)', () => {
    const bundleOnly = turnedOff(aBareLine('b', ['a=bundle-only']))
    const offer = acceptedOffer(aBareOffer([aBareLine('a'), bundleOnly], ['a=group:BUNDLE a b', ...TRANSPORT]))
    expect(offer.lines.map(({ mid }) => mid)).toEqual(['a', 'b'])
  })

  it('of one line needs neither a bundle nor a mid', () => {
    expect(acceptedOffer(aBareOffer([aBareLine(undefined)]))).toMatchObject({
      lines: [{ mid: '0', opus: OPUS, isStereo: false, ssrcs: [] }],
      isBundled: false,
    })
  })

  it.each([
    ['a=group:BUNDLE a', true],
    ['a=group:BUNDLE b a', true],
    ['a=group:LS a', false],
    ['a=group:BUNDLE', false],
    ['a=group:BUNDLE b', false],
    ['a=group:BUNDLE ab', false],
  ])('of one line whose session says %s is a bundle: %j', (group, isBundled) => {
    expect(acceptedOffer(aBareOffer([aBareLine('a')], [group, ...TRANSPORT])).isBundled).toBe(isBundled)
    expect(acceptedOffer(aBareOffer([aBareLine('a', [group])])).isBundled).toBe(false)
  })

  it('may have as many lines as a recording may have channels', () => {
    expect(acceptedOffer(bundleOf(...numbered(WEBRTC_LINES_MAX))).lines).toHaveLength(WEBRTC_LINES_MAX)
  })

  it.each([
    ['stereo=1', false],
    ['sprop-stereo=1', true],
    ['minptime=10; sprop-stereo = 1;useinbandfec=1', true],
    ['sprop-stereo=0', false],
    ['sprop-stereo=10', false],
    ['x-sprop-stereo=1', false],
  ])('with %j brings two channels: %j', (parameters, isStereo) => {
    const [line] = acceptedOffer(aBareOffer([aBareLine('0', [`a=fmtp:111 ${parameters}`])])).lines
    expect(line).toMatchObject({ isStereo, opus: { parameters } })
  })

  it('in bare line feeds, with names and hex in another case, is the same', () => {
    const odd = CHROMIUM_OFFER.replaceAll('\r\n', '\n')
      .replace('opus/48000', 'OPUS/48000')
      .replace('sha-256', 'SHA-256')
      .replace(FINGERPRINT, FINGERPRINT.toLowerCase())
    const offer = acceptedOffer(CHROMIUM_OFFER)
    const [line] = offer.lines
    expect(parseWebRtcOffer(odd)).toEqual({ ...offer, lines: [{ ...line, opus: { ...line?.opus, name: 'OPUS' } }] })
  })

  it.each([
    [['sha-1 AA:BB', `sha-512 ${printOf(64)}`, `sha-256 ${FINGERPRINT}`], 'sha-512'],
    [[`sha-256 ${FINGERPRINT}`, `sha-512 ${printOf(64)}`], 'sha-256'],
    [[`sha-256 ${FINGERPRINT} x`, `sha-384 ${printOf(48)}`], 'sha-384'],
    [[`sha-512 ${printOf(48)}`, `sha-384 ${printOf(32)}`, `SHA-256 ${FINGERPRINT}`], 'sha-256'],
  ])('with the fingerprints %j has the first that counts', (values, algorithm) => {
    expect(acceptedOffer(withTransport('fingerprint', ...values)).fingerprint.algorithm).toBe(algorithm)
  })

  it.each([[63], [96], [64, 96], [95, 127, 111]])('has Opus under a type that RTCP has not, of %j %j', (...types) => {
    const wanted = types.find((type) => type < 64 || type > 95)
    expect(acceptedOffer(withTypes(...types)).lines[0]?.opus.payloadType).toBe(wanted)
  })

  it.each([
    ['active', 'active'],
    ['passive', 'passive'],
    ['holdconn', 'actpass'],
  ])('with setup %s lets DTLS begin as %s', (said, setup) => {
    expect(acceptedOffer(withTransport('setup', said)).setup).toBe(setup)
    expect(acceptedOffer(aBareOffer([aBareLine('0')], transportWithout('setup'))).setup).toBe('actpass')
  })

  it('loses the candidates that are names, TCP, of RTCP or damaged', () => {
    const useless = [
      'candidate:1 1 udp 2113937151 b5ad7e3e-7e8f-4f0f-9f0c-5f9d1f5e4f6a.local 40736 typ host',
      'candidate:1 1 tcp 1518214911 192.0.2.2 9 typ host tcptype active',
      'candidate:1 2 udp 2122194686 192.0.2.2 59990 typ host',
      'candidate:',
    ]
    const attributes = [...useless, CANDIDATE].map((candidate) => `a=${candidate}`)
    expect(acceptedOffer(aBareOffer([aBareLine('0', attributes)])).candidates).toEqual([CANDIDATE])
  })

  it('is heard out of candidates and of SSRCs only so far, each SSRC once', () => {
    const ssrcs = [
      'a=ssrc:7',
      'a=ssrc:7 cname:a',
      'a=ssrc:4294967295',
      'a=ssrc:4294967296 cname:a',
      'a=ssrc:x',
      'a=ssrc:',
    ]
    const many = numbered(100).flatMap((each) => [`a=${CANDIDATE} x ${each}`, `a=ssrc:${each}00`])
    const { candidates, lines } = acceptedOffer(aBareOffer([aBareLine('0', [...ssrcs, ...many])]))
    expect(candidates).toEqual(numbered(CANDIDATES_MAX).map((each) => `${CANDIDATE} x ${each}`))
    expect(lines[0]?.ssrcs).toEqual([7, 4_294_967_295, 0, 100, 200, 300, 400, 500])
  })
})

describe('an offer that cannot be taken', () => {
  it.each([
    ['no audio', aBareOffer([]), 'it offers no audio'],
    [
      'video',
      aBareOffer([aBareLine('0'), ['m=video 9 UDP/TLS/RTP/SAVPF 96', 'c=IN IP4 0.0.0.0']]),
      'it offers video: only audio is recorded',
    ],
    [
      'a data channel',
      aBareOffer([aBareLine('0'), ['m=application 9 UDP/DTLS/SCTP webrtc-datachannel', 'c=IN IP4 0.0.0.0']]),
      'it offers application: only audio is recorded',
    ],
    ['too many lines', bundleOf(...numbered(WEBRTC_LINES_MAX + 1)), 'it offers more than 8 lines of audio'],
    [
      'media in the open',
      aBareOffer([['m=audio 9 RTP/AVP 111', ...aBareLine('0').slice(1)]]),
      'its media is RTP/AVP, not DTLS over UDP',
    ],
    [
      'media secured by SDES',
      aBareOffer([['m=audio 9 RTP/SAVPF 111', ...aBareLine('0').slice(1)]]),
      'its media is RTP/SAVPF, not DTLS over UDP',
    ],
    [
      'DTLS over TCP',
      aBareOffer([['m=audio 9 TCP/TLS/RTP/SAVPF 111', ...aBareLine('0').slice(1)]]),
      'its media is TCP/TLS/RTP/SAVPF, not DTLS over UDP',
    ],
    ['Opus as the first of 32 types', withTypes(64), 'its payload type of Opus cannot be told from RTCP'],
    ['Opus as the last of 32 types', withTypes(95), 'its payload type of Opus cannot be told from RTCP'],
    ['recvonly', oneLine('a=sendonly', 'a=recvonly'), 'a line of it sends nothing'],
    ['inactive', oneLine('a=sendonly', 'a=inactive'), 'a line of it sends nothing'],
    ['no rtcp-mux', oneLine('a=rtcp-mux'), 'it does not multiplex RTCP'],
    ['no Opus', oneLine('a=rtpmap:111 opus/48000/2', 'a=rtpmap:111 G722/8000'), 'it does not offer Opus'],
    [
      'Opus at another clock',
      oneLine('a=rtpmap:111 opus/48000/2', 'a=rtpmap:111 opus/16000'),
      'it does not offer Opus',
    ],
    ['a line with port 0', aBareOffer([turnedOff(aBareLine('0'))]), 'a line of it is turned off'],
    [
      'a line of a bundle with port 0',
      aBareOffer([aBareLine('a'), turnedOff(aBareLine('b'))], ['a=group:BUNDLE a b', ...TRANSPORT]),
      'a line of it is turned off',
    ],
    ['no bundle', aBareOffer([aBareLine('a'), aBareLine('b')]), 'its lines are no bundle'],
    [
      'half a bundle',
      aBareOffer([aBareLine('a'), aBareLine('b')], ['a=group:BUNDLE a', ...TRANSPORT]),
      'its lines are no bundle',
    ],
    [
      'a group of another kind',
      aBareOffer([aBareLine('a'), aBareLine('b')], ['a=group:LS a b', ...TRANSPORT]),
      'its lines are no bundle',
    ],
  ])('for %s is unsupported', (_what, text, reason) => {
    expect(parseWebRtcOffer(text)).toEqual({ kind: 'unsupported', reason })
  })

  it.each([
    ['nothing', '', 'no session description of version 0'],
    ['a fragment', `a=ice-ufrag:${ICE.ufrag}`, 'no session description of version 0'],
    ['a line that is none', aBareOffer([['m=audio']]), 'a media line cannot be read'],
    ['a mid with a space', aBareOffer([aBareLine('a b')]), 'a mid cannot be read'],
    ['a mid that is long', aBareOffer([aBareLine('a'.repeat(33))]), 'a mid cannot be read'],
    ['an empty mid', aBareOffer([aBareLine('')]), 'a mid cannot be read'],
    ['two equal mids', bundleOf('a', 'a'), 'two lines have one mid'],
    ['two lines without mids', aBareOffer([aBareLine(undefined), aBareLine(undefined)]), 'two lines have one mid'],
    ['no ufrag', withTransport('ice-ufrag'), 'it has no ICE'],
    ['no password', withTransport('ice-pwd'), 'it has no ICE'],
    ['a short ufrag', withTransport('ice-ufrag', 'abc'), 'it has no ICE'],
    ['a ufrag of other characters', withTransport('ice-ufrag', 'ab-cd'), 'it has no ICE'],
    ['a short password', withTransport('ice-pwd', 'p'.repeat(21)), 'it has no ICE'],
    ['no fingerprint', withTransport('fingerprint'), 'it has no fingerprint that counts'],
    [
      'SHA-1 alone',
      withTransport('fingerprint', `sha-1 ${FINGERPRINT.slice(0, 59)}`),
      'it has no fingerprint that counts',
    ],
    [
      'a fingerprint cut short',
      withTransport('fingerprint', `sha-256 ${FINGERPRINT.slice(0, -3)}`),
      'it has no fingerprint that counts',
    ],
  ])('for %s is damaged', (_what, text, reason) => {
    expect(parseWebRtcOffer(text)).toEqual({ kind: 'damaged', reason })
  })

  it.each([
    ['sha-256', 31],
    ['sha-256', 33],
    ['sha-256', 48],
    ['sha-384', 32],
    ['sha-384', 64],
    ['sha-512', 48],
    ['sha-512', 63],
    ['sha-512', 65],
  ])('for a fingerprint of %s with %d bytes is damaged', (algorithm, bytes) => {
    expect(parseWebRtcOffer(withTransport('fingerprint', `${algorithm} ${printOf(bytes)}`))).toEqual({
      kind: 'damaged',
      reason: 'it has no fingerprint that counts',
    })
  })
})
