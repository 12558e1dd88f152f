import { describe, expect, it } from 'vitest'
import { PUBLISH_TOKEN_SECONDS_MAX, PUBLISHER_METADATA_MAX } from '../../domain/publish-token.ts'
import { parsePublishTokenBody } from './parse-token-body.ts'

const LEG = '0199c6a2-5e1b-7c3d-8e4f-a0b1c2d3e4f5'
const parse = (body: unknown) => parsePublishTokenBody(JSON.stringify(body))
const entries = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`n${index}`, '']))
const { entries: ENTRIES_MAX, nameCharacters, valueCharacters } = PUBLISHER_METADATA_MAX

describe('what a publish token is asked for with', () => {
  it('has a minute and no metadata unless it says so', () => {
    expect(parse({ endpoint: 'support' })).toEqual({ endpoint: 'support', lifeSeconds: 60, metadata: {} })
  })

  it('may say more', () => {
    const metadata = { agent: 'Zoë', [''.padEnd(nameCharacters, 'n')]: ''.padEnd(valueCharacters, 'v') }
    const said = { endpoint: 'a.B_9~-', expires_in: PUBLISH_TOKEN_SECONDS_MAX, leg_id: LEG, metadata }
    const read = { endpoint: 'a.B_9~-', lifeSeconds: PUBLISH_TOKEN_SECONDS_MAX, legId: LEG, metadata }
    expect(parse(said)).toEqual(read)
    expect(parse({ ...said, leg_id: LEG.toUpperCase(), other: 1 })).toEqual(read)
    expect(parse({ endpoint: 'x', metadata: entries(ENTRIES_MAX) }).metadata).toEqual(entries(ENTRIES_MAX))
  })

  it.each([
    ['body', ''],
    ['body', '{'],
    ['body', 'null'],
    ['body', '[]'],
    ['body', '"support"'],
    ['endpoint', '{}'],
    ['endpoint', '{"endpoint":1}'],
    ['endpoint', '{"endpoint":""}'],
    ['endpoint', '{"endpoint":"a/b"}'],
    ['endpoint', '{"endpoint":"a\\n"}'],
    ['endpoint', `{"endpoint":"${'x'.repeat(65)}"}`],
    ['expires_in', '{"endpoint":"x","expires_in":0}'],
    ['expires_in', '{"endpoint":"x","expires_in":1.5}'],
    ['expires_in', '{"endpoint":"x","expires_in":"60"}'],
    ['expires_in', '{"endpoint":"x","expires_in":null}'],
    ['expires_in', `{"endpoint":"x","expires_in":${PUBLISH_TOKEN_SECONDS_MAX + 1}}`],
    ['leg_id', '{"endpoint":"x","leg_id":"7"}'],
    ['leg_id', '{"endpoint":"x","leg_id":null}'],
    ['leg_id', '{"endpoint":"x","leg_id":7}'],
    ['leg_id', JSON.stringify({ endpoint: 'x', leg_id: [LEG] })],
    ['leg_id', JSON.stringify({ endpoint: 'x', leg_id: { id: LEG } })],
    ['metadata', '{"endpoint":"x","metadata":null}'],
    ['metadata', '{"endpoint":"x","metadata":[]}'],
    ['metadata', '{"endpoint":"x","metadata":"a"}'],
    ['metadata', '{"endpoint":"x","metadata":{"a":1}}'],
    ['metadata', '{"endpoint":"x","metadata":{"a":{"b":"c"}}}'],
    ['metadata', JSON.stringify({ endpoint: 'x', metadata: entries(ENTRIES_MAX + 1) })],
    ['metadata', JSON.stringify({ endpoint: 'x', metadata: { [''.padEnd(nameCharacters + 1, 'n')]: '' } })],
    ['metadata', JSON.stringify({ endpoint: 'x', metadata: { a: ''.padEnd(valueCharacters + 1, 'v') } })],
  ])('%#: is refused for its %s', (attribute, text) => {
    expect(() => parsePublishTokenBody(text)).toThrow(
      expect.objectContaining({
        code: 'BODY_INVALID',
        kind: 'invalid',
        message: expect.stringMatching(new RegExp(`^${attribute} must be `)),
        details: { attribute },
      }),
    )
  })
})
