import { describe, expect, it } from 'vitest'
import { legIdOf } from './leg-id.ts'

const ID = '0190a6b2-7c1d-7e2f-8a3b-4c5d6e7f8091'

describe('legIdOf', () => {
  it.each([ID, ID.toUpperCase(), `${ID}@pbx.example.com`])('takes the UUID of %s', (callId) =>
    expect(legIdOf(callId)).toBe(ID))

  it('makes the same UUIDv5 of any other Call-ID, always', () => {
    expect(legIdOf('1-2345@127.0.0.1')).toBe('676909a1-7291-50fe-8c6b-b0bd1c724bfd')
    expect(legIdOf(`x${ID}`)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(legIdOf('a')).not.toBe(legIdOf('a@b'))
  })
})
