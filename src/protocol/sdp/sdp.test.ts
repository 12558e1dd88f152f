import { describe, expect, it } from 'vitest'
import { answerOffer, type OwnMedia, offerSdp, readAnswer } from './answer.ts'
import { formatSdp } from './format-sdp.ts'
import type { SdpSession } from './offer.ts'
import { parseSdp } from './parse-sdp.ts'
import { PortAssignment } from './port-assignment.ts'

/** Ours for one session, with so many pairs of ports. */
const own = (pairs = 1): OwnMedia => ({
  host: '192.0.2.99',
  ports: portsFor(pairs),
  codecs: () => ['PCMU', 'PCMA', 'G722', 'L16', 'opus'],
  origin: { username: 'poulsen', sessionId: '1', version: '2' },
})
const portsFor = (pairs: number): OwnMedia['ports'] =>
  new PortAssignment(
    Array.from({ length: pairs }, (_, at) => ({ rtpPort: 30_000 + 2 * at, rtcpPort: 30_001 + 2 * at })),
  ).pairOf
const sdp = (...lines: readonly string[]) =>
  ['v=0', 'o=pbx 1 2 IN IP4 192.0.2.1', 's=-', 'c=IN IP4 192.0.2.1', 't=0 0', ...lines, ''].join('\r\n')
const parsed = (text: string): SdpSession => {
  const session = parseSdp(text)
  if ('reason' in session) throw new Error(session.reason)
  return session
}
const answerTo = (...lines: readonly string[]) => {
  const answered = answerOffer(parsed(sdp(...lines)), own())
  return { ...answered, text: formatSdp(answered.session) }
}

describe('parseSdp', () => {
  it('fills in what static payload types mean, and inherits from the session', () => {
    const { media } = parsed(
      sdp(
        'a=sendonly',
        'm=audio 4000 RTP/AVP 0 8 9 18 13 96',
        'a=rtpmap:96 opus/48000/2',
        'a=fmtp:96 useinbandfec=1',
        'a=ptime:30',
        'a=label:L1',
      ),
    )
    expect(media[0]).toMatchObject({
      port: 4000,
      rtcpPort: 4001,
      address: '192.0.2.1',
      family: 4,
      direction: 'sendonly',
      ptimeMs: 30,
      label: 'L1',
    })
    expect(media[0]?.codecs.map(({ name, clockRateHz, channels }) => `${name}/${clockRateHz}/${channels}`)).toEqual([
      'PCMU/8000/1',
      'PCMA/8000/1',
      'G722/8000/1',
      'G729/8000/1',
      'CN/8000/1',
      'opus/48000/2',
    ])
  })

  it('knows the old and the new ways of hold, IPv6, and where RTCP goes', () => {
    const { media } = parsed(
      sdp(
        'm=audio 4000 RTP/AVP 0',
        'c=IN IP4 0.0.0.0',
        'm=audio 4002 RTP/AVP 0',
        'a=inactive',
        'm=audio 4004 RTP/AVP 0',
        'c=IN IP6 2001:db8::1',
        'a=rtcp:4100 IN IP6 2001:db8::2',
        'a=rtcp-mux',
      ),
    )
    expect(media.map(({ direction }) => direction)).toEqual(['sendonly', 'inactive', 'sendrecv'])
    expect(media[2]).toMatchObject({
      family: 6,
      address: '2001:db8::1',
      rtcpPort: 4100,
      rtcpAddress: '2001:db8::2',
      isRtcpMultiplexed: true,
    })
  })

  it.each([
    ['', 'no session description of version 0'],
    ['v=1\r\n', 'no session description of version 0'],
    ['v=0\r\ns=-\r\n', 'no origin'],
    [sdp('m=audio x RTP/AVP 0'), 'a media line cannot be read'],
    [sdp('m=audio 99999 RTP/AVP 0'), 'a media line cannot be read'],
    [sdp('m=audio 4000 RTP/AVP 0', 'c=IN IP4 a;b'), 'a media line cannot be read'],
    [sdp(...Array(40).fill('m=audio 4000 RTP/AVP 0')), 'too many media lines'],
    [sdp(`m=audio 4000 RTP/AVP ${Array(200).fill('0').join(' ')}`), 'too many formats'],
    [sdp(...Array(3000).fill('a=x')), 'too many lines'],
    [sdp(`a=${'x'.repeat(70_000)}`), 'too long'],
    [sdp(`a=fmtp:0 ${'x'.repeat(3_000)}`), 'a line is too long'],
    [sdp(...Array(40).fill('m=audio 4000 RTP/AVP 0')).replaceAll('\r\n', '\r'), 'too many media lines'],
    [sdp('m=audio 4000'), 'a media line cannot be read'],
    [`v=0\r\no=- 1 1 IN IP4 h\r\nm=audio 4000 RTP/AVP 0\r\n`, 'a media line cannot be read'],
  ])('refuses %#', (text, reason) => expect(parseSdp(text)).toEqual({ reason }))

  it('reads what is not quite as it should be', () => {
    const text = [
      'v=0 ',
      'o=Old PBX here abc 7x IN IP4 192.0.2.1',
      's=',
      'c=IN IP4 192.0.2.1/127',
      't=0 0',
      `a=x-vendor:${'y'.repeat(4_000)}`,
      'm=AUDIO  4000/2  RTP/AVP  0 0 8 200 x',
      'a=sendonly ',
      'a=rtpmap:0 pcmu/8000/1',
      'a=ptime:20.5',
      '',
    ]
    const session = parsed(text.join('\n'))
    expect(session.origin).toEqual({ username: 'Old PBX here', sessionId: 'abc', version: '7x' })
    expect(session.media[0]).toMatchObject({
      type: 'audio',
      port: 4000,
      address: '192.0.2.1',
      direction: 'sendonly',
      formats: '0 0 8 200 x',
    })
    expect(session.media[0]?.codecs.map(({ payloadType, name }) => [payloadType, name])).toEqual([
      [0, 'pcmu'],
      [8, 'PCMA'],
    ])
  })
})

describe('answerOffer (RFC 3264 §6)', () => {
  it.each([
    [
      'a softphone',
      ['m=audio 4000 RTP/AVP 8 0 101', 'a=rtpmap:101 telephone-event/8000', 'a=fmtp:101 0-16'],
      'PCMA',
      8,
      [101],
      [],
    ],
    [
      'a PBX with comfort noise',
      ['m=audio 4000 RTP/AVP 0 13 101', 'a=rtpmap:101 telephone-event/8000'],
      'PCMU',
      0,
      [101],
      [13],
    ],
    ['one that likes G.729 best', ['m=audio 4000 RTP/AVP 18 9 0'], 'G722', 9, [], []],
    ['a gateway of WebRTC', ['m=audio 4000 RTP/AVPF 111 0', 'a=rtpmap:111 opus/48000/2'], 'opus', 111, [], []],
    ['a studio', ['m=audio 4000 RTP/AVP 11 97', 'a=rtpmap:97 L16/16000'], 'L16', 11, [], []],
    [
      'iLBC first, upper case names',
      ['m=audio 4000 RTP/AVP 98 99', 'a=rtpmap:98 iLBC/8000', 'a=rtpmap:99 OPUS/48000/2'],
      'opus',
      99,
      [],
      [],
    ],
  ])('takes the first codec of ours of %s', (_who, lines, codec, payloadType, eventTypes, comfortNoiseTypes) => {
    const { accepted } = answerTo(...lines)
    expect(accepted).toHaveLength(1)
    expect(accepted[0]).toMatchObject({ format: { codec, payloadType }, eventTypes, comfortNoiseTypes })
  })

  it.each([
    [['PCMA', 'PCMU'], 'PCMA'],
    [['opus', 'pcmu'], 'PCMU'],
    [['opus'], 'G722'],
    [[], 'G722'],
  ])('prefers %j when asked to', (prefer, codec) => {
    const offer = parsed(sdp('m=audio 4000 RTP/AVP 9 0 8'))
    expect(answerOffer(offer, { ...own(), prefer }).accepted[0]?.format.codec).toBe(codec)
  })

  it('takes events and comfort noise of the clock rate of the audio, and other events only where there are none', () => {
    const events = [
      'a=rtpmap:100 telephone-event/48000',
      'a=rtpmap:101 telephone-event/8000',
      'a=rtpmap:96 opus/48000/2',
    ]
    const both = answerTo('m=audio 4000 RTP/AVP 96 0 13 100 101', ...events)
    expect(both.accepted[0]).toMatchObject({ eventTypes: [100], comfortNoiseTypes: [] })
    expect(both.session.media[0]?.formats).toBe('96 100')
    expect(answerTo('m=audio 4000 RTP/AVP 0 13 100 101', ...events).accepted[0]).toMatchObject({
      eventTypes: [101],
      comfortNoiseTypes: [13],
    })
    expect(answerTo('m=audio 4000 RTP/AVP 96 101', ...events).session.media[0]?.formats).toBe('96 101')
  })

  it('accepts as many audio lines as it has ports for, each with its own, and keeps their labels', () => {
    const lines = [
      'm=audio 4000 RTP/AVP 0',
      'a=label:1',
      'm=audio 4002 RTP/AVP 8',
      'a=label:2',
      'm=audio 4004 RTP/AVP 0',
    ]
    const { session, accepted } = answerOffer(parsed(sdp(...lines)), own(2))
    expect(session.media.map(({ port, label }) => [port, label])).toEqual([
      [30_000, '1'],
      [30_002, '2'],
      [0, undefined],
    ])
    expect(accepted.map(({ media, format }) => [media.port, format.codec])).toEqual([
      [4000, 'PCMU'],
      [4002, 'PCMA'],
    ])
  })

  it('answers with one codec, receiving only, every other line refused in its place', () => {
    const { text } = answerTo(
      'm=video 5000 RTP/AVP 96',
      'a=rtpmap:96 H264/90000',
      'm=audio 4000 RTP/AVP 0 8 101',
      'a=rtpmap:101 telephone-event/8000',
      'a=fmtp:101 0-15',
      'm=image 6000 udptl t38',
      'm=audio 4002 RTP/SAVP 0',
      'm=audio 4004 RTP/AVP 0',
    )
    expect(text.split('\r\n')).toEqual([
      'v=0',
      'o=poulsen 1 2 IN IP4 192.0.2.99',
      's=-',
      'c=IN IP4 192.0.2.99',
      't=0 0',
      'm=video 0 RTP/AVP 96',
      'm=audio 30000 RTP/AVP 0 101',
      'a=rtpmap:0 PCMU/8000',
      'a=rtpmap:101 telephone-event/8000',
      'a=fmtp:101 0-15',
      'a=rtcp:30001',
      'a=recvonly',
      'm=image 0 udptl t38',
      'm=audio 0 RTP/SAVP 0',
      'm=audio 0 RTP/AVP 0',
      '',
    ])
  })

  it.each([
    ['sendrecv', 'recvonly'],
    ['sendonly', 'recvonly'],
    ['recvonly', 'inactive'],
    ['inactive', 'inactive'],
  ])('answers %s with %s', (offered, answered) => {
    expect(answerTo('m=audio 4000 RTP/AVP 0', `a=${offered}`).session.media[0]?.direction).toBe(answered)
  })

  it('multiplexes RTCP only when asked to, and asks Opus for one channel', () => {
    expect(answerTo('m=audio 4000 RTP/AVP 0', 'a=rtcp-mux').text).toContain('a=rtcp-mux')
    const opus = answerTo('m=audio 4000 RTP/AVP 96', 'a=rtpmap:96 opus/48000/2')
    expect(opus.text).toContain('a=rtpmap:96 opus/48000/2\r\na=fmtp:96 stereo=0;useinbandfec=1')
    expect(opus.accepted[0]?.format.channels).toBe(1)
    const stereo = answerTo('m=audio 4000 RTP/AVP 96', 'a=rtpmap:96 opus/48000/2', 'a=fmtp:96 sprop-stereo=1')
    expect(stereo.accepted[0]?.format.channels).toBe(2)
  })

  it.each([
    ['no codec of ours', ['m=audio 4000 RTP/AVP 18 4']],
    ['a refused line', ['m=audio 0 RTP/AVP 0']],
    ['a group', ['m=audio 4000 RTP/AVP 0', 'c=IN IP4 224.2.1.1/127']],
    ['a group of IPv6', ['m=audio 4000 RTP/AVP 0', 'c=IN IP6 ff15::101']],
    ['everybody', ['m=audio 4000 RTP/AVP 0', 'c=IN IP4 255.255.255.255']],
    ['no audio at all', ['m=video 4000 RTP/AVP 96', 'a=rtpmap:96 VP8/90000']],
    ['no line', []],
    ['a G.711 of another rate', ['m=audio 4000 RTP/AVP 96', 'a=rtpmap:96 PCMU/16000']],
  ])('accepts nothing of %s', (_what, lines) => expect(answerTo(...lines).accepted).toEqual([]))
})

describe('an offer of ours', () => {
  const offer = offerSdp({ ...own(), codecs: () => ['PCMU', 'opus'] }, 1)

  it('has what we take, and its answer agrees on one codec', () => {
    expect(formatSdp(offer)).toContain('m=audio 30000 RTP/AVP 0 111 101\r\n')
    const answer = parsed(
      sdp(
        'm=audio 4000 RTP/AVP 111 101',
        'a=rtpmap:111 opus/48000/2',
        'a=rtpmap:101 telephone-event/8000',
        'a=sendonly',
      ),
    )
    expect(readAnswer(offer, answer)).toMatchObject([
      { format: { codec: 'opus', payloadType: 111, channels: 1 }, eventTypes: [101] },
    ])
  })

  it('keeps its own payload types when the answer has others (RFC 3264 §6.1)', () => {
    const answer = parsed(
      sdp('m=audio 4000 RTP/AVP 96 97', 'a=rtpmap:96 OPUS/48000', 'a=rtpmap:97 telephone-event/48000'),
    )
    expect(readAnswer(offer, answer)).toMatchObject([
      {
        format: { codec: 'opus', payloadType: 111, clockRateHz: 48_000, channels: 1 },
        eventTypes: [101],
        media: { port: 4000 },
      },
    ])
    const remapped = parsed(sdp('m=audio 4000 RTP/AVP 111', 'a=rtpmap:111 PCMU/8000'))
    expect(readAnswer(offer, remapped)).toMatchObject([{ format: { codec: 'PCMU', payloadType: 0 } }])
  })

  it('agrees on nothing with an answer that refuses, or brings what was not offered', () => {
    expect(readAnswer(offer, parsed(sdp('m=audio 0 RTP/AVP 0')))).toEqual([])
    expect(readAnswer(offer, parsed(sdp('m=audio 4000 RTP/AVP 8')))).toEqual([])
    expect(readAnswer(offer, parsed(sdp()))).toEqual([])
  })
})
