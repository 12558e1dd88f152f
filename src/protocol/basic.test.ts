import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseBasic } from './basic.ts'

const encode = (pair: string) => Buffer.from(pair, 'latin1').toString('base64')

describe('parseBasic (RFC 7617)', () => {
  it('splits at the first colon', () => {
    expect(parseBasic(`Basic ${encode('user:pass:word')}`)).toEqual({ user: 'user', password: 'pass:word' })
  })

  it('takes the scheme in any case and several spaces', () => {
    expect(parseBasic(`bAsIc   ${encode('a:b')}`)).toEqual({ user: 'a', password: 'b' })
  })

  it.each([
    ['nothing', undefined],
    ['empty', ''],
    ['scheme alone', 'Basic'],
    ['scheme and space', 'Basic '],
    ['another scheme', `Bearer ${encode('a:b')}`],
    ['no space', `Basic${encode('a:b')}`],
    ['no colon', `Basic ${encode('ab')}`],
    ['not base64', 'Basic a:b'],
    ['something behind', `Basic ${encode('a:b')} x`],
    ['two values', `Basic ${encode('a:b')},Basic ${encode('a:b')}`],
    ['too long', `Basic ${encode(`a:${'b'.repeat(1000)}`)}`],
  ])('refuses %s', (_name, header) => {
    expect(parseBasic(header)).toBeUndefined()
  })

  it('gives back every pair that was encoded', () => {
    const latin1 = fc.string({
      unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
      maxLength: 100,
    })
    fc.assert(
      fc.property(latin1, latin1, (user, password) => {
        const name = user.replaceAll(':', '')
        expect(parseBasic(`Basic ${encode(`${name}:${password}`)}`)).toEqual({ user: name, password })
      }),
    )
  })

  it('never throws', () => {
    fc.assert(fc.property(fc.string(), (text) => void parseBasic(text)))
  })
})
