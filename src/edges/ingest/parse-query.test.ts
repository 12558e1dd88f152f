import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { parseIngestQuery } from './parse-query.ts'

it('has defaults, and ignores what it does not know', () => {
  expect(parseIngestQuery({ something: 'else' })).toEqual({ legType: 'sip', track: 'both' })
})

it('reads everything', () => {
  const [leg, conference] = [randomUUID(), randomUUID()]
  const query = {
    leg_type: 'webrtc',
    leg_id: leg.toUpperCase(),
    track: 'outbound',
    conference_id: conference,
    started_at: '1970-01-01T00:00:01Z',
  }
  expect(parseIngestQuery(query)).toEqual({
    legType: 'webrtc',
    legId: leg,
    track: 'outbound',
    conferenceId: conference,
    startedAtMs: 1000,
  })
})

it.each([
  ['leg_type', 'SIP'],
  ['leg_type', ''],
  ['leg_type', ['sip', 'sip']],
  ['leg_id', 'x'],
  ['track', 'left'],
  ['conference_id', `{${randomUUID()}}`],
  ['started_at', 'yesterday'],
])('refuses %s %o by name', (name, value) => {
  const refusal = { code: 'QUERY_INVALID', kind: 'invalid', message: expect.stringContaining(` ${name} `) }
  expect(() => parseIngestQuery({ [name]: value })).toThrow(expect.objectContaining(refusal))
})
