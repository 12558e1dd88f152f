import { expect, it } from 'vitest'
import { parseBearer } from './bearer.ts'

it.each([
  ['Bearer PWabc', 'PWabc'],
  ['bearer abc', 'abc'],
  ['BEARER   abc  ', 'abc'],
  ['Bearer a-._~+/9==', 'a-._~+/9=='],
  [`Bearer ${'x'.repeat(256)}`, 'x'.repeat(256)],
])('reads %j', (header, token) => expect(parseBearer(header)).toBe(token))

it.each([
  undefined,
  '',
  'Bearer',
  'Bearer ',
  'Bearer\tabc',
  'Bearerabc',
  'Bearer a b',
  'Bearer =',
  'Bearer a=b',
  'Bearer a,b',
  'Bearer é',
  'Bearer abc\n',
  ' Bearer abc',
  'Basic YTpi',
  `Bearer ${'x'.repeat(257)}`,
])('reads nothing in %j', (header) => expect(parseBearer(header)).toBeUndefined())
