import { expect, it } from 'vitest'
import {
  aBareLine,
  aBareOffer,
  acceptedOffer,
  aTwoLineOffer,
  CANDIDATE,
  CHROMIUM_OFFER,
  TRANSPORT,
} from '../../../test/builders/webrtc-offer.ts'
import { parseSdp } from './parse-sdp.ts'
import { formatWebRtcAnswer, type WebRtcAnswer } from './webrtc-answer.ts'

const OURS = 'candidate:1 1 UDP 2114977791 192.0.2.9 8189 typ host'
const answerTo = (offer: string, parts: Partial<WebRtcAnswer> = {}): readonly string[] => {
  const { lines, isBundled } = acceptedOffer(offer)
  return formatWebRtcAnswer({
    ice: { ufrag: 'ours', pwd: 'a'.repeat(22) },
    fingerprint: { algorithm: 'sha-256', value: 'AA:BB' },
    setup: 'passive',
    candidates: [OURS],
    lines,
    isBundled,
    sessionId: '1760000000000',
    ...parts,
  }).split('\r\n')
}

const transport = ['a=ice-ufrag:ours', `a=ice-pwd:${'a'.repeat(22)}`, 'a=fingerprint:sha-256 AA:BB', 'a=setup:passive']

it('receives every line in Opus over one transport, and tells its candidates once', () => {
  const lineOf = (mid: string) => [
    'm=audio 9 UDP/TLS/RTP/SAVPF 111',
    'c=IN IP4 0.0.0.0',
    `a=mid:${mid}`,
    'a=recvonly',
    'a=rtcp-mux',
    'a=rtpmap:111 opus/48000/2',
    'a=fmtp:111 minptime=10;useinbandfec=1',
    ...transport,
  ]
  const answer = answerTo(aTwoLineOffer())
  expect(answer).toEqual([
    'v=0',
    'o=poulsen 1760000000000 1 IN IP4 0.0.0.0',
    's=-',
    't=0 0',
    'a=group:BUNDLE left right',
    ...lineOf('left'),
    `a=${OURS}`,
    'a=end-of-candidates',
    ...lineOf('right'),
    '',
  ])
})

it.each([
  ['says', ['a=group:BUNDLE 0'], ['a=group:BUNDLE 0']],
  ['does not say', [], []],
  ['says of another line', ['a=group:BUNDLE 1'], []],
])('is a bundle as far as the offer is one (RFC 9143 §7.3), which it %s', (_what, offered, answered) => {
  const answer = answerTo(aBareOffer([aBareLine('0')], [...offered, ...TRANSPORT]))
  expect(answer.filter((line) => line.startsWith('a=group'))).toEqual(answered)
})

it('accepts nothing else that the session of a browser offers', () => {
  const answer = answerTo(CHROMIUM_OFFER)
  expect(answer.slice(3, answer.indexOf('m=audio 9 UDP/TLS/RTP/SAVPF 111'))).toEqual(['t=0 0', 'a=group:BUNDLE 0'])
  expect(answer.filter((line) => /extmap|msid/.test(line))).toEqual([])
})

it('keeps the payload type of the offer, and takes two channels from who brings them', () => {
  const line = aBareLine('0', ['a=fmtp:96 sprop-stereo=1']).map((each) => each.replace('111', '96'))
  const answer = answerTo(aBareOffer([line]))
  expect(answer).toContain('m=audio 9 UDP/TLS/RTP/SAVPF 96')
  expect(answer).toContain('a=rtpmap:96 opus/48000/2')
  expect(answer).toContain('a=fmtp:96 minptime=10;useinbandfec=1;stereo=1')
})

it('says that no candidates come when there are none', () => {
  const answer = answerTo(aBareOffer([aBareLine('0')]), { candidates: [] })
  expect(answer.filter((line) => line.includes('candidate'))).toEqual(['a=end-of-candidates'])
})

it('tells all candidates that there are', () => {
  const answer = answerTo(aBareOffer([aBareLine('0')]), { candidates: [OURS, CANDIDATE] })
  expect(answer.slice(-4)).toEqual([`a=${OURS}`, `a=${CANDIDATE}`, 'a=end-of-candidates', ''])
})

it('is a session description', () => {
  expect(parseSdp(answerTo(aTwoLineOffer()).join('\r\n'))).toMatchObject({
    origin: { username: 'poulsen', sessionId: '1760000000000', version: '1' },
    media: [
      { type: 'audio', port: 9, isRtcpMultiplexed: true, formats: '111' },
      { type: 'audio', port: 9, isRtcpMultiplexed: true, formats: '111' },
    ],
  })
})
