import { describe, expect, it } from 'vitest'
import {
  acceptedOffer,
  aTwoLineOffer,
  CANDIDATE,
  CHROMIUM_OFFER,
  FINGERPRINT,
  ICE,
} from '../../../test/builders/webrtc-offer.ts'
import type { PeerOffer } from '../../ports/webrtc-peers.ts'
import { formatLibraryOffer, readLibraryAnswer } from './library-sdp.ts'

/** What a peer offered, as transport is told of it. */
const peerOffer = (text: string): PeerOffer => {
  const offer = acceptedOffer(text)
  const lines = offer.lines.map(({ mid, opus, ssrcs }) => ({ mid, ssrcs, payloadType: opus.payloadType, rtpPort: 9 }))
  return { ...offer, lines }
}

describe('an offer for the library', () => {
  it('has one payload type a line, and candidates on the first', () => {
    expect(formatLibraryOffer(peerOffer(aTwoLineOffer())).split('\r\n')).toEqual([
      'v=0',
      'o=- 1 1 IN IP4 0.0.0.0',
      's=-',
      't=0 0',
      'a=group:BUNDLE left right',
      `a=ice-ufrag:${ICE.ufrag}`,
      `a=ice-pwd:${ICE.pwd}`,
      'a=ice-options:trickle',
      `a=fingerprint:sha-256 ${FINGERPRINT}`,
      'a=setup:actpass',
      'm=audio 9 UDP/TLS/RTP/SAVPF 111',
      'c=IN IP4 0.0.0.0',
      'a=mid:left',
      'a=sendonly',
      'a=rtcp-mux',
      'a=rtpmap:111 opus/48000/2',
      'a=ssrc:1 cname:peer',
      `a=${CANDIDATE}`,
      'm=audio 9 UDP/TLS/RTP/SAVPF 111',
      'c=IN IP4 0.0.0.0',
      'a=mid:right',
      'a=sendonly',
      'a=rtcp-mux',
      'a=rtpmap:111 opus/48000/2',
      'a=ssrc:2 cname:peer',
      '',
    ])
  })

  it('says what the peer said', () => {
    for (const text of [CHROMIUM_OFFER, aTwoLineOffer()]) {
      const offer = peerOffer(text)
      expect(peerOffer(formatLibraryOffer(offer))).toEqual(offer)
    }
  })
})

describe("the library's answer", () => {
  const answer = [
    'v=0',
    'o=rtc 4213 0 IN IP4 127.0.0.1',
    's=-',
    't=0 0',
    'a=group:BUNDLE 0',
    'a=setup:passive',
    'a=ice-ufrag:ours',
    'a=ice-pwd:PWD/22characters+orMORE',
    'a=fingerprint:sha-256 AA:BB',
    'm=audio 8189 UDP/TLS/RTP/SAVPF 111',
    'a=mid:0',
    'a=candidate:1 1 UDP 2114977791 192.0.2.9 8189 typ host',
    'a=candidate:2 1 UDP 2114977535 fd00::9 8189 typ host',
    'a=end-of-candidates',
  ]

  it.each(['\r\n', '\n'])('is read with lines that end in %j', (lineEnd) => {
    expect(readLibraryAnswer(answer.join(lineEnd))).toEqual({
      ice: { ufrag: 'ours', pwd: 'PWD/22characters+orMORE' },
      fingerprint: { algorithm: 'sha-256', value: 'AA:BB' },
      setup: 'passive',
      candidates: [
        'candidate:1 1 UDP 2114977791 192.0.2.9 8189 typ host',
        'candidate:2 1 UDP 2114977535 fd00::9 8189 typ host',
      ],
    })
  })

  it('may have no candidates', () => {
    const bare = answer.filter((line) => !line.includes('candidate'))
    expect(readLibraryAnswer(bare.join('\r\n'))).toMatchObject({ setup: 'passive', candidates: [] })
  })

  it.each(['ice-ufrag', 'ice-pwd', 'fingerprint', 'setup'])('without %s is none', (name) => {
    const rest = answer.filter((line) => !line.startsWith(`a=${name}:`))
    expect(rest).toHaveLength(answer.length - 1)
    expect(readLibraryAnswer(rest.join('\r\n'))).toBeUndefined()
  })

  it.each([
    ['a=ice-ufrag:ours', 'a=ice-ufrag:'],
    ['a=fingerprint:sha-256 AA:BB', 'a=fingerprint:sha-256'],
    ['a=setup:passive', 'a=setup:actpass'],
  ])('with %s as %s is none', (good, bad) => {
    expect(readLibraryAnswer(answer.map((line) => (line === good ? bad : line)).join('\r\n'))).toBeUndefined()
  })

  it('that is empty is none', () => expect(readLibraryAnswer('')).toBeUndefined())
})
