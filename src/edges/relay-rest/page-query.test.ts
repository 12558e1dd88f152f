import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatLinks, formatPageToken, parsePageQuery } from './page-query.ts'

const position = { createdAtMs: 1_760_000_000_123, id: '0199c6a2-5e1b-7c3d-8e4f-a0b1c2d3e4f5' }
const URL_OF_LIST = 'http://localhost/api/relay/rest/recordings'

describe('page tokens', () => {
  it('carry any position there and back, in both directions', () => {
    const positions = fc.record({ createdAtMs: fc.integer({ min: 0, max: 2 ** 48 - 1 }), id: fc.uuid() })
    fc.assert(
      fc.property(positions, (each) => {
        expect(parsePageQuery({ page_token: formatPageToken('older', each) }).request.olderThan).toEqual(each)
        expect(parsePageQuery({ page_token: formatPageToken('newer', each) }).request.newerThan).toEqual(each)
      }),
    )
  })

  it.each([
    '',
    'PA',
    'PC000000000000000000000000000000',
    `${formatPageToken('older', position)}x`,
    'x'.repeat(32),
  ])('refuses %s', (page_token) => {
    expect(() => parsePageQuery({ page_token })).toThrow('Page token is invalid')
  })
})

describe('parsePageQuery', () => {
  it('has defaults and ignores what it does not know', () => {
    expect(parsePageQuery({ pageSize: '7', status: 'x' })).toEqual({ request: { limit: 50 }, pageNumber: 0 })
  })

  it.each([
    [{ page_size: '0' }, 'Page size must be a whole number from 1 to 1000'],
    [{ page_size: '1001' }, 'Page size must be a whole number from 1 to 1000'],
    [{ page_size: '-1' }, 'Page size'],
    [{ page_size: '1.5' }, 'Page size'],
    [{ page_size: '1e2' }, 'Page size'],
    [{ page_size: '' }, 'Page size'],
    [{ page_size: ['1', '2'] }, 'Page size'],
    [{ page_number: '-1' }, 'Page number'],
    [{ page_number: 'x' }, 'Page number'],
    [{ page_number: '1' }, 'Page token is required'],
  ])('refuses %o', (query, message) => {
    expect(() => parsePageQuery(query)).toThrow(message)
  })
})

describe('formatLinks', () => {
  const item = { createdAtMs: position.createdAtMs, id: position.id } as never

  it('leaves next and prev out of the only page', () => {
    const query = parsePageQuery({})
    const links = formatLinks(URL_OF_LIST, query, { items: [item], hasOlder: false, hasNewer: false })
    const only = `${URL_OF_LIST}?page_number=0&page_size=50`
    expect(links).toEqual({ self: only, first: only })
  })

  it('counts pages and carries the position in both directions', () => {
    const token = formatPageToken('older', position)
    const query = parsePageQuery({ page_number: '3', page_size: '2', page_token: token })
    const links = formatLinks(URL_OF_LIST, query, { items: [item, item], hasOlder: true, hasNewer: true })
    expect(links).toEqual({
      self: `${URL_OF_LIST}?page_number=3&page_size=2&page_token=${token}`,
      first: `${URL_OF_LIST}?page_number=0&page_size=2`,
      next: `${URL_OF_LIST}?page_number=4&page_size=2&page_token=${formatPageToken('older', position)}`,
      prev: `${URL_OF_LIST}?page_number=2&page_size=2&page_token=${formatPageToken('newer', position)}`,
    })
  })
})
