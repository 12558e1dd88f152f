import type { IncomingHttpHeaders } from 'node:http'
import { answerRange, type RangeAnswer } from '../../protocol/range.ts'

/** What identifies a representation: its strong entity tag, quoted, and when it was last modified. */
export interface Validators {
  readonly etag: string
  readonly modifiedMs: number
}

/** How a GET or HEAD is to be answered after its conditions: 304, 412, or with a range (RFC 9110 §13.2.2 gives the order). */
export type ConditionAnswer = 'not-modified' | 'precondition-failed' | RangeAnswer

const MS_PER_SECOND = 1000

/** Evaluates If-Match, If-Unmodified-Since, If-None-Match, If-Modified-Since, Range and If-Range, in the RFC's order. */
export const answerConditions = (
  headers: IncomingHttpHeaders,
  validators: Validators,
  sizeBytes: number,
): ConditionAnswer => {
  if (!isExpected(headers, validators)) return 'precondition-failed'
  if (!isChanged(headers, validators)) return 'not-modified'
  return isSame(headers['if-range'], validators) ? answerRange(headers.range, sizeBytes) : 'whole'
}

const isExpected = (headers: IncomingHttpHeaders, { etag, modifiedMs }: Validators): boolean => {
  const match = headers['if-match']
  if (match !== undefined) return listsTag(match, etag, false)
  const sinceMs = parseDate(headers['if-unmodified-since'])
  return sinceMs === undefined || seconds(modifiedMs) <= seconds(sinceMs)
}

const isChanged = (headers: IncomingHttpHeaders, { etag, modifiedMs }: Validators): boolean => {
  const noneMatch = headers['if-none-match']
  if (noneMatch !== undefined) return !listsTag(noneMatch, etag, true)
  const sinceMs = parseDate(headers['if-modified-since'])
  return sinceMs === undefined || seconds(modifiedMs) > seconds(sinceMs)
}

/** If-Range compares strongly: the exact tag, or the exact date (RFC 9110 §13.1.5). */
const isSame = (ifRange: string | string[] | undefined, { etag, modifiedMs }: Validators): boolean => {
  if (typeof ifRange !== 'string') return true
  if (ifRange.includes('"')) return ifRange === etag
  const dateMs = parseDate(ifRange)
  return dateMs !== undefined && seconds(dateMs) === seconds(modifiedMs)
}

const listsTag = (list: string, etag: string, weakly: boolean): boolean =>
  list.split(',').some((item) => {
    const tag = item.trim()
    return tag === '*' || tag === etag || (weakly && tag === `W/${etag}`)
  })

const parseDate = (text: string | undefined): number | undefined => {
  const ms = text === undefined ? Number.NaN : Date.parse(text)
  return Number.isNaN(ms) ? undefined : ms
}

const seconds = (ms: number): number => Math.floor(ms / MS_PER_SECOND)
