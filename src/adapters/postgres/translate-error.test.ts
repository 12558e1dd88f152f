import { describe, expect, it } from 'vitest'
import { PoulsenError } from '../../domain/errors.ts'
import { isAway, translateError } from './translate-error.ts'

const coded = (code: string, constraint?: string): Error =>
  Object.assign(new Error('from the server'), { code, constraint })

describe('an error of PostgreSQL', () => {
  it.each([
    ['a taken key', coded('23505'), 'CATALOGUE_CONFLICT', false],
    ['an absent project', coded('23503'), 'CATALOGUE_NOT_FOUND', false],
    ['an open trunk', coded('23514', 'trunk_is_guarded'), 'CATALOGUE_CONFLICT', false],
    ['a damaged table', coded('XX001'), 'CATALOGUE_CORRUPT', false],
    ['a server that only reads', coded('25006'), 'CATALOGUE_UNAVAILABLE', false],
    ['a deadlock', coded('40P01'), 'CATALOGUE_UNAVAILABLE', false],
    ['a server that stops', coded('57P01'), 'CATALOGUE_UNAVAILABLE', true],
    ['a port that nobody listens on', coded('ECONNREFUSED'), 'CATALOGUE_UNAVAILABLE', true],
    ['no answer in time', new Error('Query read timeout'), 'CATALOGUE_UNAVAILABLE', true],
  ] as const)('%s', (_what, thrown, code, away) => {
    expect(translateError(thrown)).toMatchObject({ code })
    expect(isAway(thrown)).toBe(away)
  })

  it('that says that a project is needed is a conflict for who deletes it', () => {
    for (const code of ['23503', '23001'])
      expect(translateError(coded(code), 'deleteProject')).toMatchObject({ code: 'CATALOGUE_CONFLICT' })
  })

  it('that is a fault of ours stays what it is: nobody is told to try again', () => {
    for (const thrown of [new TypeError('undefined is not a function'), new RangeError('too long'), coded('42601')]) {
      expect(translateError(thrown)).toBe(thrown)
      expect(translateError(thrown)).not.toBeInstanceOf(PoulsenError)
      expect(isAway(thrown)).toBe(false)
    }
  })
})
