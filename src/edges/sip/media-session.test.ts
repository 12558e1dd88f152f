import { describe, expect, it } from 'vitest'
import { CODEC_NAMES } from '../../audio/codecs/codec.ts'
import { MediaSession } from './media-session.ts'

const lines = (...texts: readonly string[]): string => texts.map((text) => `${text}\r\n`).join('')
const SESSION = ['v=0', 'o=- 1 1 IN IP4 192.0.2.1', 's=-', 'c=IN IP4 192.0.2.1', 't=0 0']

const sessionOfOurs = (): MediaSession =>
  new MediaSession({
    ports: [{ address: '192.0.2.9', rtpPort: 4000, rtcpPort: 4001 }],
    host: '192.0.2.9',
    policy: { codecs: CODEC_NAMES, requiresSecureMedia: false },
    sessionId: '7',
  })

const textOf = (body: Uint8Array): string => new TextDecoder().decode(body)
const mediaLines = (body: Uint8Array): readonly string[] =>
  textOf(body)
    .split('\r\n')
    .filter((line) => line.startsWith('m='))

describe('an offer of ours within a session (RFC 3264 §8)', () => {
  it('keeps refused lines in their place, payload types and rtcp-mux', () => {
    const session = sessionOfOurs()
    const offer = lines(
      ...SESSION,
      'm=video 5002 RTP/AVP 97',
      'm=audio 5000 RTP/AVP 96',
      'a=rtpmap:96 L16/44100/2',
      'a=rtcp-mux',
    )
    expect(session.answer(offer)).toHaveProperty('terms.streams.length', 1)
    const again = session.offer()
    expect(mediaLines(again)).toEqual(['m=video 0 RTP/AVP 97', 'm=audio 4000 RTP/AVP 96'])
    expect(textOf(again)).toContain('a=rtpmap:96 L16/44100/2\r\n')
    expect(textOf(again)).toContain('a=rtcp-mux\r\n')
  })

  it('has only what was agreed when the first offer was ours, too', () => {
    const session = sessionOfOurs()
    expect(mediaLines(session.offer())[0]).toMatch(/^m=audio 4000 RTP\/AVP 0 8 9 /)
    const answer = lines(...SESSION, 'm=audio 5000 RTP/AVP 0', 'a=sendrecv')
    expect(session.takeAnswer(answer)?.streams).toMatchObject([{ format: { codec: 'PCMU', payloadType: 0 } }])
    expect(mediaLines(session.offer())[0]).toMatch(/^m=audio 4000 RTP\/AVP 0(?: \d+)*$/)
    expect(textOf(session.offer())).not.toMatch(/PCMA|opus|G722|L16/)
    expect(session.takeAnswer(answer)?.streams).toMatchObject([{ format: { codec: 'PCMU', payloadType: 0 } }])
  })

  it('goes up by one version each time', () => {
    const session = sessionOfOurs()
    const versions = [session.offer(), session.offer()].map((body) => /^o=poulsen 7 (\d+) /m.exec(textOf(body))?.[1])
    expect(Number(versions[1])).toBe(Number(versions[0]) + 1)
  })
})

describe('what a stream has agreed on first (RFC 3264 §8.3.2)', () => {
  const linear = (map: string) => lines(...SESSION, 'm=audio 5000 RTP/AVP 96', `a=rtpmap:96 ${map}`)

  it.each(['L16/8000', 'L16/16000/2'])('is not changed in mid-call: %s', (map) => {
    const session = sessionOfOurs()
    expect(session.answer(linear('L16/16000'))).toHaveProperty('terms')
    expect(session.answer(linear(map))).toEqual({ status: 488 })
    expect(session.answer(linear('L16/16000'))).toHaveProperty('terms.streams.0.format.clockRateHz', 16_000)
  })
})

describe('an answer to our first offer', () => {
  it('may refuse its first line: that stream is there, and silent', () => {
    const session = new MediaSession({
      ports: [4000, 4002].map((rtpPort) => ({ address: '192.0.2.9', rtpPort, rtcpPort: rtpPort + 1 })),
      host: '192.0.2.9',
      policy: { codecs: CODEC_NAMES, requiresSecureMedia: false },
      sessionId: '7',
      order: { labels: [] },
    })
    session.offer()
    const terms = session.takeAnswer(lines(...SESSION, 'm=audio 0 RTP/AVP 0', 'm=audio 5000 RTP/AVP 8', 'a=sendonly'))
    expect([...(terms?.streams ?? [])]).toMatchObject([
      { isHeld: true, channel: 0 },
      { isHeld: false, channel: 1, format: { codec: 'PCMA' }, remote: { rtpPort: 5000 } },
    ])
  })
})
