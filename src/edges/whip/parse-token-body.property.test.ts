import fc from 'fast-check'
import { expect, it } from 'vitest'
import { PoulsenError } from '../../domain/errors.ts'
import { PUBLISH_TOKEN_SECONDS_MAX, PUBLISHER_METADATA_MAX } from '../../domain/publish-token.ts'
import { parsePublishTokenBody } from './parse-token-body.ts'

it('is within bounds or refused, whatever the body', () => {
  const part = (good: fc.Arbitrary<unknown>) => fc.oneof(good, fc.jsonValue())
  const body = fc.record(
    {
      endpoint: part(fc.constant('x')),
      expires_in: part(fc.integer({ min: -1, max: PUBLISH_TOKEN_SECONDS_MAX + 1 })),
      leg_id: part(fc.oneof(fc.uuid(), fc.tuple(fc.uuid()))),
      metadata: part(fc.dictionary(fc.string(), fc.string())),
    },
    { requiredKeys: ['endpoint'] },
  )
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        body.map((each) => JSON.stringify(each)),
        fc.json(),
      ),
      (text) => {
        try {
          const { endpoint, lifeSeconds, legId, metadata } = parsePublishTokenBody(text)
          expect(JSON.parse(text).leg_id).toBe(legId)
          expect(endpoint).toMatch(/^[A-Za-z0-9._~-]{1,64}$/)
          expect([lifeSeconds >= 1, lifeSeconds <= PUBLISH_TOKEN_SECONDS_MAX]).toEqual([true, true])
          expect(Object.keys(metadata).length).toBeLessThanOrEqual(PUBLISHER_METADATA_MAX.entries)
          expect(Object.values(metadata).every((value) => typeof value === 'string')).toBe(true)
        } catch (error) {
          if (!(error instanceof PoulsenError)) throw error
        }
      },
    ),
    { numRuns: 1_000 },
  )
})
