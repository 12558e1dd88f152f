import { describe, expect, it } from 'vitest'
import { type AnswerLine, recordingAnswer } from '../../test/builders/recording-server.ts'
import { makeSrtpKey } from '../audio/srtp/srtp-key.ts'
import { callerCodecs } from './caller-codecs.ts'
import { readDescription } from './read-description.ts'
import { formatCrypto, readCrypto } from './sdes.ts'
import { formatDescription, type LocalLine, type LocalMedia } from './session-text.ts'
import { isServerContact, judgeAnswer, judgeOffer } from './siprec-answer.ts'

const media = (label: string, parts: Partial<LocalMedia> = {}): LocalMedia => ({
  address: '127.0.0.1',
  rtpPort: 40_000,
  rtcpPort: 40_000,
  isMultiplexed: true,
  codecs: callerCodecs(['PCMU', 'PCMA']),
  eventType: 101,
  frameMs: 20,
  label,
  ...parts,
})

const TWO: readonly LocalLine[] = ['1', '2'].map((label) => ({ media: media(label), direction: 'sendonly' }))
const SECURE: readonly LocalLine[] = TWO.map(({ media, direction }) => ({
  media: { ...media, srtpKey: makeSrtpKey('AES_CM_128_HMAC_SHA1_80') },
  direction,
}))

const answerTo = (lines: readonly LocalLine[], lineOf: (position: number) => AnswerLine = () => ({ port: 50_000 })) => {
  const offer = readDescription(formatDescription(lines, { sessionId: '1', version: 1 }))
  if ('reason' in offer) throw new Error(offer.reason)
  return recordingAnswer(offer.lines, lineOf)
}

const crypto = (tag = 1, suite: Parameters<typeof makeSrtpKey>[0] = 'AES_CM_128_HMAC_SHA1_80') =>
  formatCrypto(tag, makeSrtpKey(suite))

describe('the answer to an offer of two streams', () => {
  it('is taken when it is as the rules say', () => {
    const judged = judgeAnswer(TWO, answerTo(TWO))
    expect(judged).toMatchObject({
      lines: [{ label: '1', direction: 'recvonly' }, { label: '2' }],
      codecs: [{ codec: 'PCMU' }, { codec: 'PCMU' }],
    })
  })

  it('may be not ready yet, and may refuse one', () => {
    const refusing = answerTo(TWO, (position) => ({ port: position * 50_000, direction: 'inactive' }))
    expect(judgeAnswer(TWO, refusing)).toMatchObject({ codecs: [undefined, { codec: 'PCMU' }] })
  })

  it.each([
    ['one line', (sdp: string) => sdp.slice(0, sdp.lastIndexOf('m=')), /1 m-lines for 2/],
    ['other labels', (sdp: string) => sdp.replace('label:1', 'label:9'), /Line 1: .*label is 9/],
    ['labels the other way round', swapLabels, /Line 1: .*label is 2/],
    ['no label', (sdp: string) => sdp.replace('a=label:2\r\n', ''), /Line 2: .*undefined/],
    ['media both ways', (sdp: string) => sdp.replace('recvonly', 'sendrecv'), /sendrecv for sendonly/],
    ['no direction', (sdp: string) => sdp.replace('a=recvonly\r\n', ''), /sendrecv for sendonly/],
    ['every stream refused', (sdp: string) => sdp.replaceAll('m=audio 50000', 'm=audio 0'), /refuses every/],
    ['another protocol', (sdp: string) => sdp.replace('RTP/AVP', 'RTP/SAVP'), /RTP\/SAVP for RTP\/AVP/],
    ['a key that nobody offered', (sdp: string) => `${sdp}a=crypto:${crypto()}\r\n`, /1 crypto attributes/],
    ['another medium', (sdp: string) => sdp.replace('m=audio', 'm=video'), /video/],
    ['no lines at all', () => 'v=0\r\n', /0 m-lines/],
  ])('with %s is refused', (_what, spoil, reason) => {
    expect(judgeAnswer(TWO, spoil(answerTo(TWO)))).toEqual({ reason: expect.stringMatching(reason) })
  })

  it('does not change the codec of a stream that runs', () => {
    const before = [callerCodecs(['PCMA'])[0], undefined]
    expect(judgeAnswer(TWO, answerTo(TWO), before)).toEqual({ reason: expect.stringMatching(/PCMA and is PCMU/) })
  })

  it('activates nothing that was offered inactive or removed', () => {
    const held: readonly LocalLine[] = TWO.map((line) => ({ ...line, direction: 'inactive' }))
    expect(judgeAnswer(held, answerTo(held))).toMatchObject({ codecs: [{}, {}] })
    const eager = answerTo(held, () => ({ port: 5, direction: 'recvonly' }))
    expect(judgeAnswer(held, eager)).toEqual({ reason: expect.stringMatching(/recvonly for inactive/) })
    const removed: readonly LocalLine[] = [{ ...(TWO[0] as LocalLine), isRemoved: true }, TWO[1] as LocalLine]
    expect(judgeAnswer(removed, answerTo(removed))).toMatchObject({ codecs: [undefined, {}] })
    const kept = answerTo(removed).replace('m=audio 0', 'm=audio 50000')
    expect(judgeAnswer(removed, kept)).toEqual({ reason: expect.stringMatching(/was removed/) })
  })
})

function swapLabels(sdp: string): string {
  return sdp.replace('label:1', 'label:x').replace('label:2', 'label:1').replace('label:x', 'label:2')
}

describe('an answer under SRTP', () => {
  const withKeys = (cryptoOf: (position: number) => string) =>
    judgeAnswer(
      SECURE,
      answerTo(SECURE, (position) => ({ port: 50_000, crypto: cryptoOf(position) })),
    )

  it('has one key a line, under the tag and in the suite that were offered', () => {
    expect(withKeys(() => crypto())).toMatchObject({ codecs: [{}, {}] })
    expect(judgeAnswer(SECURE, answerTo(SECURE))).toEqual({ reason: expect.stringMatching(/0 crypto attributes/) })
    expect(withKeys(() => crypto(2))).toEqual({ reason: expect.stringMatching(/attribute 2/) })
    expect(withKeys(() => crypto(1, 'AEAD_AES_128_GCM'))).toEqual({ reason: expect.stringMatching(/suite AEAD/) })
    expect(withKeys(() => `${crypto()}\r\na=crypto:${crypto()}`)).toEqual({ reason: expect.stringMatching(/2 crypto/) })
    expect(withKeys(() => crypto().slice(0, -4))).toEqual({ reason: expect.stringMatching(/30 bytes, not 27/) })
  })

  it('never tells the key that it refuses', () => {
    const text = crypto().slice(0, -4)
    const refused = readCrypto(text)
    expect('reason' in refused && refused.reason).not.toContain(text.slice(-8))
    expect(readCrypto('1 AES_CM_128_HMAC_SHA1_80 inline:')).toHaveProperty('reason')
    expect(readCrypto('1 F8_128_HMAC_SHA1_80 inline:AAAA')).toEqual({ reason: expect.stringMatching(/F8/) })
  })
})

describe('an offer of the server', () => {
  const offer = (lineOf: (position: number) => AnswerLine) => judgeOffer(TWO, answerTo(TWO, lineOf), [])

  it('may put streams off, and drop them', () => {
    expect(offer(() => ({ port: 50_000 }))).toHaveProperty('lines')
    expect(offer((position) => ({ port: position, direction: 'inactive' }))).toHaveProperty('lines')
  })

  it('sends nothing, and adds nothing', () => {
    expect(offer(() => ({ port: 1, direction: 'sendrecv' }))).toEqual({ reason: expect.stringMatching(/sendrecv/) })
    expect(judgeOffer([TWO[0] as LocalLine], answerTo(TWO), [])).toEqual({ reason: expect.stringMatching(/2 m-lines/) })
    expect(judgeOffer(SECURE, answerTo(SECURE), [])).toEqual({ reason: expect.stringMatching(/no one key/) })
  })
})

it.each([
  ['<sip:srs@127.0.0.1>;+sip.srs', true],
  ['"Recorder" <sip:srs@127.0.0.1>;expires=3;+sip.srs;a=b', true],
  ['<sip:srs@127.0.0.1;+sip.srs>', false],
  ['<sip:srs@127.0.0.1>;+sip.src', false],
  ['<sip:srs@127.0.0.1>', false],
  [undefined, false],
])('the Contact %s is a recording server’s: %s', (contact, isOne) => {
  expect(isServerContact(contact)).toBe(isOne)
})
