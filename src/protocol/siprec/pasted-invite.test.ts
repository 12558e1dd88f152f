import { describe, expect, it } from 'vitest'
import { goldenOffer } from '../../../test/builders/siprec-offers.ts'
import { type PastedInvite, readPastedInvite } from './pasted-invite.ts'

const { bytes: OFFER } = goldenOffer('rfc-two-streams')
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')

const read = (message: string | Uint8Array): PastedInvite => {
  const pasted = readPastedInvite(Buffer.from(message))
  if ('reason' in pasted) throw new Error(pasted.reason)
  return pasted
}

const reasonOf = (message: string | Uint8Array): string => {
  const pasted = readPastedInvite(Buffer.from(message))
  return 'reason' in pasted ? pasted.reason : 'none'
}

describe('what pasting does to a message is repaired', () => {
  it('nothing, as captured', () => {
    const { request, lineEnds, length } = read(OFFER)
    expect([request.method, lineEnds, length.verdict]).toEqual(['INVITE', 'CRLF', 'right'])
    expect(request.body.length).toBe(length.declaredBytes)
  })

  it('line feeds in place of CRLF: the body is all there, though shorter than it says', () => {
    const pasted = read(text(OFFER).replaceAll('\r\n', '\n'))
    expect([pasted.lineEnds, pasted.length.verdict]).toEqual(['LF', 'line-ends'])
    expect(text(pasted.request.body)).toBe(text(read(OFFER).request.body).replaceAll('\r\n', '\n'))
  })

  it.each([
    ['a byte order mark', `\ufeff${text(OFFER)}`],
    ['empty lines before it', `\r\n\n  \r\n${text(OFFER)}`],
    ['empty lines behind it', `${text(OFFER)}\n\n`],
  ])('%s', (_, message) => {
    const { request, length } = read(message)
    expect([length.verdict, text(request.body)]).toEqual(['right', text(read(OFFER).request.body)])
  })

  it('a lost last line end', () => {
    expect(read(text(OFFER).trimEnd()).length.verdict).toBe('line-ends')
  })

  it('tells a body that was cut off, one that is too long, and lengths that are none', () => {
    expect(read(text(OFFER).slice(0, -300)).length.verdict).toBe('short')
    expect(read(`${text(OFFER)}and more`).length.verdict).toBe('long')
    expect(read(`${text(OFFER)}and more`).request.body.length).toBe(read(OFFER).request.body.length)
    expect(read(text(OFFER).replace(/Content-Length: \d+/, 'Content-Length: many')).length.verdict).toBe('unreadable')
    expect(read(text(OFFER).replace(/Content-Length: \d+\r\n/, '')).length.verdict).toBe('unsaid')
  })
})

describe('what is no INVITE', () => {
  it.each([
    ['', 'it is empty'],
    ['\r\n \n', 'it is empty'],
    ['hello', 'it is no SIP message: no SIP start line'],
    ['GET / HTTP/1.1\r\n\r\n', 'it is no SIP message: no SIP start line'],
    ['SIP/2.0 200 OK\r\nCSeq: 1 INVITE\r\n\r\n', 'it is a response (200), not an INVITE'],
    ['BYE sip:rec@example.com SIP/2.0\r\n\r\n', 'it is BYE, not INVITE'],
    ['INVITE sip:rec@example.com SIP/2.0\r\n\r\n', 'the INVITE has no body, so that there is nothing to explain'],
    ['INVITE sip:rec@example.com SIP/2.0', 'the INVITE has no body, so that there is nothing to explain'],
    [new Uint8Array(1_000_000).fill(65), 'it is longer than 65536 bytes, which no message may be'],
  ])('%j', (message, reason) => expect(reasonOf(message)).toBe(reason))
})
