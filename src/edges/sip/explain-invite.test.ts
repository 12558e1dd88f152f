import { describe, expect, it } from 'vitest'
import { type ExpectedOffer, goldenOffer, goldenOffers } from '../../../test/builders/siprec-offers.ts'
import type { Explanation } from '../../protocol/siprec/explanation.ts'
import { explainInvite } from './explain-invite.ts'

type Terms = Parameters<typeof explainInvite>[1]

const TERMS: Terms = { layout: 'stereo', codecs: [], requiresSecureMedia: false }

const explain = (message: string | Uint8Array, terms: Partial<Terms> = {}): Explanation => {
  const explained = explainInvite(Buffer.from(message as string, 'latin1'), { ...TERMS, ...terms })
  if ('reason' in explained) throw new Error(explained.reason)
  return explained
}

const codesOf = ({ remarks }: Explanation): readonly string[] => [...new Set(remarks.map(({ code }) => code))].sort()

/** The accepted lines, as the expectations have them. */
const acceptedOf = ({ streams }: Explanation) =>
  streams
    .filter(({ answered }) => answered !== 'refused')
    .map(({ line, label, codec, answered, security }) => ({
      line: line - 1,
      label: label ?? null,
      codec,
      direction: answered,
      ...(security !== 'none' && { security }),
    }))

/** Lines that are heard in a channel of the one recording, by place; the first channel is the left one, also when it is the only one. */
const linesIn = ({ recordings: [recording] }: Explanation, index: number) =>
  recording?.channels[index]?.lines.map((line) => line - 1) ?? []

const changed = (name: string, from: string | RegExp, to: string): string =>
  goldenOffer(name).bytes.toString('latin1').replace(from, to)

describe('offers as they are met', () => {
  it.each(
    goldenOffers.map((offer) => [offer.name, offer.bytes, offer.expected] as const),
  )('%s', (_, bytes, expected: ExpectedOffer) => {
    const explained = explain(bytes)
    expect([explained.isSiprec, explained.answer]).toEqual([true, { status: 200 }])
    expect(explained.signs).toEqual(expected.signs)
    expect(explained.transport).toBe(expected.transport)
    expect(acceptedOf(explained)).toEqual(expected.streams)
    expect(explained.participants.map(({ receives: _heard, ...who }) => who)).toEqual(expected.participants)
    expect(explained.metadata?.dataMode ?? null).toBe(expected.data_mode)
    expect([linesIn(explained, 0), linesIn(explained, 1)]).toEqual([expected.left, expected.right])
    expect(explained.legId ?? null).toBe(expected.leg_id)
    expect(codesOf(explained)).toEqual(expected.unusual)
  })

  it('keys are never told', () => {
    const { bytes } = goldenOffer('audiocodes-srtp')
    const keys = [...bytes.toString('latin1').matchAll(/inline:([A-Za-z0-9+/=]+)/g)].flatMap(([, key]) => key ?? [])
    const told = JSON.stringify(explain(bytes))
    expect(keys.length).toBe(6)
    expect(keys.filter((key) => told.includes(key.slice(0, 16)))).toEqual([])
    expect(told).not.toContain('inline')
  })
})

describe('what the trunk says', () => {
  const { bytes } = goldenOffer('avaya-three-streams')

  it('mono: all in one channel', () => {
    expect(explain(bytes, { layout: 'mono' }).recordings).toEqual([
      { track: 'both', channels: [{ channel: 'mono', lines: [1, 2, 3], who: ['Extension 1001', 'Extension 2002'] }] },
    ])
  })

  it('separate: a recording a stream', () => {
    const { recordings } = explain(bytes, { layout: 'separate' })
    expect(recordings.map(({ track, channels: [channel] }) => [track, channel?.channel, channel?.lines])).toEqual([
      ['inbound', 'mono', [1]],
      ['outbound', 'mono', [2]],
      ['outbound', 'mono', [3]],
    ])
  })

  it('codecs that it does not allow are refused', () => {
    const explained = explain(bytes, { codecs: ['opus'] })
    expect(explained.answer).toEqual({ status: 488, reason: 'no line can be recorded' })
    expect(explained.streams.map(({ refusal }) => refusal)[0]).toContain('PCMU')
    expect([explained.recordings, explained.legId]).toEqual([[], undefined])
    expect(codesOf(explained)).toContain('nothing_taken')
  })

  it('only SRTP: plain lines are refused', () => {
    const explained = explain(bytes, { requiresSecureMedia: true })
    expect([explained.answer.status, explained.streams[0]?.refusal]).toEqual([488, 'only SRTP is wanted'])
    expect(explain(goldenOffer('audiocodes-srtp').bytes, { requiresSecureMedia: true }).answer.status).toBe(200)
  })
})

describe('what would be refused, and why', () => {
  const NAME = 'rfc-two-streams'
  it.each<[string, string, number, string]>([
    [
      'an unknown extension',
      changed(NAME, 'Require: siprec', 'Require: siprec, precondition'),
      420,
      'extension_required',
    ],
    ['no From', changed(NAME, /From: .*\r\n/, ''), 400, 'request_faulty'],
    ['no Contact', changed(NAME, /Contact: .*\r\n/, ''), 400, 'request_faulty'],
    [
      'a session too short',
      changed(NAME, 'Require: siprec', 'Session-Expires: 30\r\nSupported: timer'),
      422,
      'request_faulty',
    ],
    ['no boundary', changed(NAME, 'boundary=letter', 'boundary=other'), 400, 'body_refused'],
    ['no SDP in the SDP', changed(NAME, 'v=0', 'v=7'), 400, 'body_refused'],
    [
      'a part that must be understood',
      changed('cisco-cube', 'handling=optional', 'handling=required'),
      415,
      'part_required',
    ],
    ['video alone', changed('no-metadata', /m=audio/g, 'm=video'), 488, 'nothing_taken'],
  ])('%s', (_, message, status, code) => {
    const explained = explain(message)
    expect(explained.answer.status).toBe(status)
    expect(codesOf(explained)).toContain(code)
    expect(explained.recordings).toEqual([])
  })

  it('not what the server fulfils without saying so', () => {
    expect(explain(changed(NAME, 'Require: siprec', 'Require: siprec, 100rel')).answer.status).toBe(200)
  })

  it('a body without a session description gets an offer', () => {
    const explained = explain(
      changed(
        NAME,
        'Content-Type: application/sdp',
        'Content-Type: text/plain\r\nContent-Disposition: x;handling=optional',
      ),
    )
    expect([explained.answer.status, explained.recordings]).toEqual([200, []])
    expect(codesOf(explained)).toContain('no_offer')
  })
})

describe('an ordinary call', () => {
  it('has no sign of SIPREC, one line, and one channel', () => {
    const message = changed('no-metadata', 'Supported: siprec\r\n', '').replace(';+sip.src', '')
    const explained = explain(message)
    expect([explained.isSiprec, explained.signs]).toEqual([false, []])
    expect(explained.recordings).toEqual([{ track: 'inbound', channels: [{ channel: 'mono', lines: [1], who: [] }] }])
    expect(codesOf(explained)).toEqual(['not_siprec', 'one_stream', 'refused_lines'])
  })
})

describe('a recording session without a call in it yet', () => {
  it('waits', () => {
    expect(explain(goldenOffer('persistent').bytes).isWaiting).toBe(true)
    expect(explain(goldenOffer('cisco-one-inactive').bytes).isWaiting).toBe(false)
  })
})
