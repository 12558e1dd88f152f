import fc from 'fast-check'
import { expect, it } from 'vitest'
import { parseBearer } from './bearer.ts'

it('reads any token of its grammar, and only such', () => {
  const token = fc.stringMatching(/^[A-Za-z0-9._~+/-]{1,256}={0,2}$/)
  fc.assert(fc.property(token, (text) => void expect(parseBearer(`Bearer ${text}`)).toBe(text)))
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(parseBearer(`Bearer ${text}`) ?? 'x').toMatch(/^[A-Za-z0-9._~+/-]+=*$/)
    }),
  )
})
