import type { IncomingHttpHeaders } from 'node:http'
import { expect, it } from 'vitest'
import { answerConditions } from './conditions.ts'

const modifiedMs = Date.UTC(2026, 0, 31, 12, 0, 0, 500)
const SAME = 'Sat, 31 Jan 2026 12:00:00 GMT'
const BEFORE = 'Sat, 31 Jan 2026 11:59:59 GMT'
const AFTER = 'Sat, 31 Jan 2026 12:00:01 GMT'
const first5 = { startBytes: 0, endBytes: 5 }
const range = 'bytes=0-4'

it.each<[IncomingHttpHeaders, unknown]>([
  [{}, 'whole'],
  [{ 'if-none-match': '"tag"' }, 'not-modified'],
  [{ 'if-none-match': 'W/"tag"' }, 'not-modified'],
  [{ 'if-none-match': '"a", "tag" ,"b"' }, 'not-modified'],
  [{ 'if-none-match': '*' }, 'not-modified'],
  [{ 'if-none-match': '"other"' }, 'whole'],
  [{ 'if-none-match': 'tag' }, 'whole'],
  [{ 'if-none-match': '"other"', 'if-modified-since': SAME }, 'whole'],
  [{ 'if-modified-since': SAME }, 'not-modified'],
  [{ 'if-modified-since': AFTER }, 'not-modified'],
  [{ 'if-modified-since': BEFORE }, 'whole'],
  [{ 'if-modified-since': 'yesterday' }, 'whole'],
  [{ 'if-match': '"tag"' }, 'whole'],
  [{ 'if-match': '*' }, 'whole'],
  [{ 'if-match': 'W/"tag"' }, 'precondition-failed'],
  [{ 'if-match': '"other"' }, 'precondition-failed'],
  [{ 'if-match': '"other"', 'if-none-match': '"tag"' }, 'precondition-failed'],
  [{ 'if-match': '"tag"', 'if-unmodified-since': BEFORE }, 'whole'],
  [{ 'if-unmodified-since': BEFORE }, 'precondition-failed'],
  [{ 'if-unmodified-since': SAME }, 'whole'],
  [{ range }, first5],
  [{ range, 'if-range': '"tag"' }, first5],
  [{ range, 'if-range': 'W/"tag"' }, 'whole'],
  [{ range, 'if-range': '"other"' }, 'whole'],
  [{ range, 'if-range': SAME }, first5],
  [{ range, 'if-range': AFTER }, 'whole'],
  [{ range, 'if-range': 'nonsense' }, 'whole'],
  [{ range, 'if-none-match': '"tag"' }, 'not-modified'],
  [{ range: 'bytes=100-' }, 'unsatisfiable'],
  [{ range: 'bytes=100-', 'if-range': '"other"' }, 'whole'],
])('%o is answered with %o', (headers, expected) => {
  expect(answerConditions(headers, { etag: '"tag"', modifiedMs }, 100)).toEqual(expected)
})
