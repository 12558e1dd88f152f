import { PoulsenError } from '../../domain/errors.ts'
import { PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX, type Page, type PageRequest, type Position } from '../../domain/page.ts'
import { parseUuid } from '../../domain/uuid.ts'

/** A list request's query, read: which rows, and the counter that the client keeps. */
export interface PageQuery {
  readonly request: PageRequest
  readonly pageNumber: number
}

/** The links of a page; `next` and `prev` are absent at the ends. */
export interface PageLinks {
  readonly self: string
  readonly first: string
  readonly next?: string
  readonly prev?: string
}

type Query = Readonly<Record<string, unknown>>

/** `PA`: the rows older than a position; `PB`: those newer. 6 bytes of milliseconds, 16 of UUID, in base64url. */
const TOKEN = /^P[AB][A-Za-z0-9_-]{30}$/
const TIME_BYTES = 6
const PAGE_NUMBER_MAX = 2 ** 31 - 1

const invalid = (detail: string, attribute: string): PoulsenError =>
  new PoulsenError({ code: 'PAGE_INVALID', kind: 'invalid', message: detail, details: { attribute } })

const parseWhole = (query: Query, name: string, min: number, max: number): number | undefined => {
  const text = query[name]
  if (text === undefined) return undefined
  const value = typeof text === 'string' && /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN
  if (value >= min && value <= max) return value
  throw invalid(`${label(name)} must be a whole number from ${min} to ${max}`, name)
}

const label = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1).replace('_', ' ')

/** The opaque token of the rows beyond a position. It carries the position itself, so it outlives the row. */
export const formatPageToken = (direction: 'older' | 'newer', position: Position): string => {
  const bytes = Buffer.alloc(TIME_BYTES + 16)
  bytes.writeUIntBE(position.createdAtMs, 0, TIME_BYTES)
  bytes.write(position.id.replaceAll('-', ''), TIME_BYTES, 'hex')
  return `${direction === 'older' ? 'PA' : 'PB'}${bytes.toString('base64url')}`
}

const parsePageToken = (token: unknown): Pick<PageRequest, 'olderThan' | 'newerThan'> => {
  if (token === undefined) return {}
  if (typeof token !== 'string' || !TOKEN.test(token)) throw invalid('Page token is invalid', 'page_token')
  const bytes = Buffer.from(token.slice(2), 'base64url')
  const hex = bytes.toString('hex', TIME_BYTES)
  const id = parseUuid(hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'))
  if (!id) throw invalid('Page token is invalid', 'page_token')
  const position = { createdAtMs: bytes.readUIntBE(0, TIME_BYTES), id }
  return token.startsWith('PA') ? { olderThan: position } : { newerThan: position }
}

/** Reads `page_size`, `page_number` and `page_token`; other keys are ignored. Throws PAGE_INVALID (422). */
export const parsePageQuery = (query: Query): PageQuery => {
  const limit = parseWhole(query, 'page_size', 1, PAGE_SIZE_MAX) ?? PAGE_SIZE_DEFAULT
  const pageNumber = parseWhole(query, 'page_number', 0, PAGE_NUMBER_MAX) ?? 0
  const position = parsePageToken(query.page_token)
  if (pageNumber > 0 && query.page_token === undefined) {
    throw invalid('Page token is required when page number is greater than 0', 'page_token')
  }
  return { request: { limit, ...position }, pageNumber }
}

/** Absolute links around a page. Each one's query is enough by itself: size, counter and position. */
export const formatLinks = (listUrl: string, query: PageQuery, page: Page): PageLinks => {
  const { request, pageNumber } = query
  const link = (number: number, token: string | undefined) =>
    `${listUrl}?page_number=${number}&page_size=${request.limit}${token === undefined ? '' : `&page_token=${token}`}`
  const current = request.olderThan
    ? formatPageToken('older', request.olderThan)
    : request.newerThan && formatPageToken('newer', request.newerThan)
  const first = page.items[0] ?? request.olderThan
  const last = page.items.at(-1) ?? request.newerThan
  return {
    self: link(pageNumber, current),
    first: link(0, undefined),
    ...(page.hasOlder && last && { next: link(pageNumber + 1, formatPageToken('older', last)) }),
    ...(page.hasNewer && first && { prev: link(Math.max(0, pageNumber - 1), formatPageToken('newer', first)) }),
  }
}
