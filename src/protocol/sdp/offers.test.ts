import { describe, expect, it } from 'vitest'
import { answerOffer, type OwnMedia, offerSdp, readAnswer, reofferSdp } from './answer.ts'
import { formatSdp } from './format-sdp.ts'
import type { SdpSession } from './offer.ts'
import { parseSdp } from './parse-sdp.ts'
import { PortAssignment } from './port-assignment.ts'

/** Ours for one session. */
const own = (): OwnMedia => ({
  host: '198.51.100.7',
  ports: new PortAssignment([{ rtpPort: 30_000, rtcpPort: 30_001 }]).pairOf,
  codecs: () => ['PCMU', 'PCMA', 'G722', 'L16', 'opus'],
  origin: { username: 'poulsen', sessionId: '77', version: '1' },
})
const HEAD = ['v=0', 'o=poulsen 77 1 IN IP4 198.51.100.7', 's=-', 'c=IN IP4 198.51.100.7', 't=0 0']
const SILENT_HEAD = ['v=0', 'o=poulsen 77 1 IN IP4 0.0.0.0', 's=-', 'c=IN IP4 0.0.0.0', 't=0 0']

const parsed = (...lines: readonly string[]): SdpSession => {
  const session = parseSdp([...lines, ''].join('\r\n'))
  if ('reason' in session) throw new Error(session.reason)
  return session
}
const linesOf = (session: SdpSession): readonly string[] => formatSdp(session).trimEnd().split('\r\n')

/** Offers as the kinds of peers make them, and the media lines of our answers. */
const OFFERS: readonly (readonly [who: string, offer: readonly string[], media: readonly string[]])[] = [
  [
    'a softphone with wide-band codecs first',
    [
      'v=0',
      'o=alice 3920 1482 IN IP4 203.0.113.20',
      's=Talk',
      'c=IN IP4 203.0.113.20',
      't=0 0',
      'a=rtcp-xr:rcvr-rtt=all:10000 stat-summary=loss,dup,jitt,TTL voip-metrics',
      'm=audio 7078 RTP/AVP 96 97 98 0 8 101 99 100',
      'a=rtpmap:96 opus/48000/2',
      'a=fmtp:96 useinbandfec=1',
      'a=rtpmap:97 speex/16000',
      'a=fmtp:97 vbr=on',
      'a=rtpmap:98 speex/8000',
      'a=rtpmap:101 telephone-event/48000',
      'a=rtpmap:99 telephone-event/16000',
      'a=rtpmap:100 telephone-event/8000',
      'a=rtcp-fb:* trr-int 5000',
    ],
    [
      'm=audio 30000 RTP/AVP 96 101',
      'a=rtpmap:96 opus/48000/2',
      'a=fmtp:96 stereo=0;useinbandfec=1',
      'a=rtpmap:101 telephone-event/48000',
      'a=rtcp:30001',
      'a=recvonly',
    ],
  ],
  [
    'Asterisk',
    [
      'v=0',
      'o=- 1722331 1722331 IN IP4 203.0.113.5',
      's=Asterisk',
      'c=IN IP4 203.0.113.5',
      't=0 0',
      'm=audio 14562 RTP/AVP 8 0 9 101',
      'a=rtpmap:8 PCMA/8000',
      'a=rtpmap:0 PCMU/8000',
      'a=rtpmap:9 G722/8000',
      'a=rtpmap:101 telephone-event/8000',
      'a=fmtp:101 0-16',
      'a=ptime:20',
      'a=maxptime:140',
      'a=sendrecv',
    ],
    [
      'm=audio 30000 RTP/AVP 8 101',
      'a=rtpmap:8 PCMA/8000',
      'a=rtpmap:101 telephone-event/8000',
      'a=fmtp:101 0-16',
      'a=rtcp:30001',
      'a=recvonly',
    ],
  ],
  [
    'FreeSWITCH, comfort noise at two rates',
    [
      'v=0',
      'o=FreeSWITCH 1700000001 1700000002 IN IP4 203.0.113.6',
      's=FreeSWITCH',
      'c=IN IP4 203.0.113.6',
      't=0 0',
      'm=audio 25310 RTP/AVP 9 0 101 13 104',
      'a=rtpmap:9 G722/8000',
      'a=rtpmap:0 PCMU/8000',
      'a=rtpmap:101 telephone-event/8000',
      'a=fmtp:101 0-15',
      'a=rtpmap:13 CN/8000',
      'a=rtpmap:104 CN/16000',
      'a=ptime:20',
    ],
    [
      'm=audio 30000 RTP/AVP 9 101 13',
      'a=rtpmap:9 G722/8000',
      'a=rtpmap:101 telephone-event/8000',
      'a=fmtp:101 0-15',
      'a=rtpmap:13 CN/8000',
      'a=rtcp:30001',
      'a=recvonly',
    ],
  ],
  [
    'a Cisco gateway: the address with each line, G.729 first, events of its own beside',
    [
      'v=0',
      'o=CiscoSystemsSIP-GW-UserAgent 5012 8831 IN IP4 203.0.113.8',
      's=SIP Call',
      'c=IN IP4 203.0.113.8',
      't=0 0',
      'm=audio 16432 RTP/AVP 18 0 101 19',
      'c=IN IP4 203.0.113.9',
      'a=rtpmap:18 G729/8000',
      'a=fmtp:18 annexb=no',
      'a=rtpmap:0 PCMU/8000',
      'a=rtpmap:101 telephone-event/8000',
      'a=fmtp:101 0-16',
      'a=rtpmap:19 CN/8000',
      'a=ptime:20',
    ],
    [
      'm=audio 30000 RTP/AVP 0 101 19',
      'a=rtpmap:0 PCMU/8000',
      'a=rtpmap:101 telephone-event/8000',
      'a=fmtp:101 0-16',
      'a=rtpmap:19 CN/8000',
      'a=rtcp:30001',
      'a=recvonly',
    ],
  ],
  [
    'a gateway of WebRTC that has taken the encryption off',
    [
      'v=0',
      'o=- 8403615332048243445 2 IN IP4 203.0.113.30',
      's=-',
      't=0 0',
      'a=group:BUNDLE 0 1',
      'a=msid-semantic: WMS stream',
      'm=audio 40010 RTP/AVPF 111 63 9 0 8 13 110 126',
      'c=IN IP4 203.0.113.30',
      'a=rtcp:40010',
      'a=mid:0',
      'a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level',
      'a=sendrecv',
      'a=rtcp-mux',
      'a=rtpmap:111 opus/48000/2',
      'a=rtcp-fb:111 transport-cc',
      'a=fmtp:111 minptime=10;useinbandfec=1',
      'a=rtpmap:63 red/48000/2',
      'a=fmtp:63 111/111',
      'a=rtpmap:110 telephone-event/48000',
      'a=rtpmap:126 telephone-event/8000',
      'a=ssrc:1001 cname:x',
      'm=video 40012 RTP/AVPF 96',
      'c=IN IP4 203.0.113.30',
      'a=mid:1',
      'a=rtcp-mux',
      'a=rtpmap:96 VP8/90000',
    ],
    [
      'm=audio 30000 RTP/AVPF 111 110',
      'a=rtpmap:111 opus/48000/2',
      'a=fmtp:111 stereo=0;useinbandfec=1',
      'a=rtpmap:110 telephone-event/48000',
      'a=rtcp-mux',
      'a=recvonly',
      'm=video 0 RTP/AVPF 96',
    ],
  ],
  [
    'one that would rather encrypt, and offers the same in the open',
    [
      'v=0',
      'o=root 1 1 IN IP4 203.0.113.10',
      's=call',
      'c=IN IP4 203.0.113.10',
      't=0 0',
      'm=audio 5004 RTP/SAVP 8',
      'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
      'm=audio 5006 RTP/AVP 8',
    ],
    ['m=audio 0 RTP/SAVP 8', 'm=audio 30000 RTP/AVP 8', 'a=rtpmap:8 PCMA/8000', 'a=rtcp:30001', 'a=recvonly'],
  ],
  [
    'one with video first, and sound in two ways',
    [
      'v=0',
      'o=room 5 9 IN IP6 2001:db8::20',
      's=-',
      'c=IN IP6 2001:db8::20',
      't=0 0',
      'm=video 6000 RTP/AVP 97 98',
      'a=rtpmap:97 H264/90000',
      'a=rtpmap:98 H263-1998/90000',
      'm=audio 6002 RTP/AVP 10 11',
      'a=sendonly',
      'm=audio 6004 RTP/AVP 0',
      'm=application 6006 UDP/BFCP *',
    ],
    [
      'm=video 0 RTP/AVP 97 98',
      'm=audio 30000 RTP/AVP 10',
      'a=rtpmap:10 L16/44100/2',
      'a=rtcp:30001',
      'a=recvonly',
      'm=audio 0 RTP/AVP 0',
      'm=application 0 UDP/BFCP *',
    ],
  ],
  [
    'an old phone that holds by sending to nowhere',
    ['v=0', 'o=- 9 2 IN IP4 203.0.113.11', 's=-', 'c=IN IP4 0.0.0.0', 't=0 0', 'm=audio 5000 RTP/AVP 0'],
    ['m=audio 30000 RTP/AVP 0', 'a=rtpmap:0 PCMU/8000', 'a=rtcp:30001', 'a=recvonly'],
  ],
  [
    'a phone on hold in both ways, for the whole session',
    [
      'v=0',
      'o=- 9 3 IN IP4 203.0.113.11',
      's=-',
      'c=IN IP4 203.0.113.11',
      't=0 0',
      'a=inactive',
      'm=audio 5000 RTP/AVP 0',
    ],
    ['m=audio 30000 RTP/AVP 0', 'a=rtpmap:0 PCMU/8000', 'a=rtcp:30001', 'a=inactive'],
  ],
  [
    'a fax that has taken the place of the sound',
    [
      'v=0',
      'o=- 9 4 IN IP4 203.0.113.12',
      's=-',
      'c=IN IP4 203.0.113.12',
      't=0 0',
      'm=audio 0 RTP/AVP 0',
      'm=image 5010 udptl t38',
      'a=T38FaxVersion:0',
      'a=T38FaxUdpEC:t38UDPRedundancy',
    ],
    ['m=audio 0 RTP/AVP 0', 'm=image 0 udptl t38'],
  ],
]

describe('offers as peers make them', () => {
  it.each(OFFERS)('answers %s', (_who, offer, media) => {
    const { session, accepted } = answerOffer(parsed(...offer), own())
    const hasSound = media.some((line) => line.startsWith('m=audio 30000'))
    expect(linesOf(session)).toEqual([...(hasSound ? HEAD : SILENT_HEAD), ...media])
    expect(accepted).toHaveLength(hasSound ? 1 : 0)
  })
})

describe('a delayed offer (RFC 3264 §5)', () => {
  it('offers all that is ours, and agrees on the first of the answer', () => {
    const offer = offerSdp(own(), 1)
    expect(linesOf(offer)).toEqual([
      ...HEAD,
      'm=audio 30000 RTP/AVP 0 8 9 118 111 101',
      'a=rtpmap:0 PCMU/8000',
      'a=rtpmap:8 PCMA/8000',
      'a=rtpmap:9 G722/8000',
      'a=rtpmap:118 L16/16000',
      'a=rtpmap:111 opus/48000/2',
      'a=fmtp:111 stereo=0;useinbandfec=1',
      'a=rtpmap:101 telephone-event/8000',
      'a=fmtp:101 0-15',
      'a=rtcp:30001',
      'a=recvonly',
    ])
    const answer = parsed(
      'v=0',
      'o=CiscoSystemsCCM-SIP 21 1 IN IP4 203.0.113.8',
      's=SIP Call',
      'c=IN IP4 203.0.113.9',
      't=0 0',
      'm=audio 24580 RTP/AVP 8 101',
      'a=rtpmap:8 PCMA/8000',
      'a=rtpmap:101 telephone-event/8000',
      'a=sendonly',
    )
    expect(readAnswer(offer, answer)).toMatchObject([
      { format: { codec: 'PCMA', payloadType: 8 }, eventTypes: [101], media: { port: 24_580, direction: 'sendonly' } },
    ])
  })
})

describe('a later offer of ours (RFC 3264 §8)', () => {
  const next = { ...own(), codecs: () => ['opus'], origin: { ...own().origin, version: '2' } }

  it('keeps refused lines, payload types and multiplexing', () => {
    const offer = parsed(
      'v=0',
      'o=- 1 1 IN IP4 203.0.113.30',
      's=-',
      'c=IN IP4 203.0.113.30',
      't=0 0',
      'm=video 40012 RTP/AVP 97',
      'm=audio 40010 RTP/AVP 96 110',
      'a=rtpmap:96 opus/48000/2',
      'a=rtpmap:110 telephone-event/48000',
      'a=inactive',
      'a=rtcp-mux',
    )
    const again = reofferSdp(answerOffer(offer, own()).session, next)
    expect(linesOf(again)).toEqual([
      'v=0',
      'o=poulsen 77 2 IN IP4 198.51.100.7',
      ...HEAD.slice(2),
      'm=video 0 RTP/AVP 97',
      'm=audio 30000 RTP/AVP 96 110',
      'a=rtpmap:96 opus/48000/2',
      'a=fmtp:96 stereo=0;useinbandfec=1',
      'a=rtpmap:110 telephone-event/48000',
      'a=rtcp-mux',
      'a=recvonly',
    ])
    expect(readAnswer(again, offer)).toMatchObject([
      { format: { codec: 'opus', payloadType: 96 }, eventTypes: [110], isRtcpMultiplexed: true },
    ])
  })

  it('leaves out what has not been agreed on', () => {
    expect(reofferSdp(offerSdp(own(), 1), next).media.map(({ formats }) => formats)).toEqual(['111 101'])
    expect(reofferSdp(offerSdp(own(), 1), { ...next, codecs: () => ['pcma'] }).media[0]?.formats).toBe('8 101')
  })
})

describe('time', () => {
  it('is linear in the length, whatever is repeated', () => {
    const head = ['v=0', 'o=- 1 1 IN IP4 h', 'c=IN IP4 h', 'm=audio 4 RTP/AVP 0']
    const fills = [' ', '1', 'a', '1 ', '/', '1/', ':', '1.', '\t', '- ']
    for (const start of ['a=rtpmap:', 'a=fmtp:', 'a=rtcp:', 'a=ptime:', 'a=label:', 'a=crypto:', 'c=', 's=', 't='])
      for (const fill of fills) {
        const line = start + fill.repeat(2_000 / fill.length)
        const text = [...head, ...Array<string>(31).fill(line)].join('\r\n')
        expect(parseSdp(text)).toMatchObject({ media: [{ port: 4 }] })
      }
  })
})
