import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type SipFrame, SipFramer } from './framer.ts'
import { headerOf } from './message.ts'
import { parseSipMessage } from './parse-message.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const message = (name: string, body = '') =>
  `OPTIONS sip:${name} SIP/2.0\r\nCall-ID: ${name}\r\nContent-Length: ${body.length}\r\n\r\n${body}`
const summary = (frames: readonly SipFrame[]): string[] =>
  frames.map((frame) => {
    if (frame.kind === 'ping') return 'ping'
    if (frame.kind === 'refusal') return `refusal ${frame.refusal.status} ${frame.isFatal ? 'fatal' : 'skipped'}`
    return `${frame.message.kind === 'request' ? frame.message.uri : ''} ${new TextDecoder().decode(frame.message.body)}`.trim()
  })

describe('SipFramer', () => {
  it('cuts a stream into messages, wherever its chunks begin and end', () => {
    const stream = bytes(
      [message('a', 'one'), '\r\n\r\n', message('b'), '\r\n', message('c', 'three\r\n\r\n')].join(''),
    )
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length), { maxLength: 30 }), (cuts) => {
        const framer = new SipFramer()
        const places = [0, ...cuts.sort((x, y) => x - y), stream.length]
        const frames = places.slice(1).flatMap((end, index) => [...framer.append(stream.subarray(places[index], end))])
        expect(summary(frames)).toEqual(['sip:a one', 'ping', 'sip:b', 'sip:c three'])
        expect(framer.bufferedBytes).toBe(0)
      }),
    )
  })

  it('answers a byte at a time as all at once, in linear time', () => {
    const framer = new SipFramer()
    const stream = bytes(message('slow', 'x'.repeat(60_000)))
    const frames: SipFrame[] = []
    for (let at = 0; at < stream.length; at += 1) frames.push(...framer.append(stream.subarray(at, at + 1)))
    expect(summary(frames)).toEqual([`sip:slow ${'x'.repeat(60_000)}`])
  })

  it('goes on behind a head that is no SIP when it knows where that ends', () => {
    const framer = new SipFramer()
    const frames = framer.append(bytes(`nonsense\r\nContent-Length: 2\r\n\r\nxy${message('next')}`))
    expect(summary(frames)).toEqual(['refusal 400 skipped', 'sip:next'])
  })

  it('goes on in the same way when that body comes later, a byte at a time', () => {
    const framer = new SipFramer()
    const stream = bytes(`nonsense\r\nContent-Length: 5\r\n\r\nINVIT${message('next')}`)
    const frames = [...stream].flatMap((byte) => [...framer.append(Uint8Array.of(byte))])
    expect(summary(frames)).toEqual(['refusal 400 skipped', 'sip:next'])
  })

  it('takes the longest head with the longest body', () => {
    const framer = new SipFramer()
    const [start, end, body] = ['OPTIONS sip:a SIP/2.0\r\n', 'Content-Length: 65536\r\n\r\n', 'b'.repeat(65_536)]
    const field = `X: ${'x'.repeat(4_000)}\r\n`
    const fields = field.repeat(8)
    const filler = `Y: ${'y'.repeat(32_768 - start.length - fields.length - end.length - 2)}\r\n`
    const stream = bytes(start + fields + filler + end + body)
    expect(summary(framer.append(stream.subarray(0, 98_000)))).toEqual([])
    expect(summary(framer.append(stream.subarray(98_000)))).toEqual([`sip:a ${body}`])
  })

  it('moves what it holds a bounded number of times, whatever a chunk is made of', () => {
    for (const piece of ['\n', '\r\n', 'A b SIP/2.0\r\nl:0\r\n\r\n', 'A\r\nl:0\r\n\r\n']) {
      const framer = new SipFramer()
      const chunk = bytes(piece.repeat(Math.floor(1_000_000 / piece.length)))
      const startedAt = performance.now()
      const frames = framer.append(chunk)
      // Two orders of magnitude above what it takes; moving everything for every frame took a minute.
      expect(performance.now() - startedAt).toBeLessThan(20_000)
      expect(framer.bufferedBytes).toBe(0)
      expect(frames.length).toBe(piece === '\n' ? 0 : Math.floor(chunk.length / Math.max(4, piece.length)))
    }
  })

  it.each([
    ['a head without end', `OPTIONS sip:a SIP/2.0\r\nX: ${'y'.repeat(40_000)}`, 'refusal 513 fatal'],
    ['a body beyond all bounds', 'OPTIONS sip:a SIP/2.0\r\nContent-Length: 99999999\r\n\r\n', 'refusal 513 fatal'],
    ['a length that is none', 'OPTIONS sip:a SIP/2.0\r\nContent-Length: many\r\n\r\n', 'refusal 400 fatal'],
    ['a carriage return that ends no line', '\rOPTIONS sip:a SIP/2.0\r\n\r\n', 'refusal 400 fatal'],
    ['what is not SIP at all', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', 'refusal 400 fatal'],
  ])('ends at %s, and holds nothing of it', (_what, text, outcome) => {
    const framer = new SipFramer()
    expect(summary(framer.append(bytes(text)))).toEqual([outcome])
    expect(summary(framer.append(bytes(message('later'))))).toEqual([])
    expect(framer.bufferedBytes).toBe(0)
  })

  it('says of a head without end what an answer needs', () => {
    const head = `OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/TCP a;branch=z9hG4bK1\r\nX: ${'y'.repeat(40_000)}`
    expect(new SipFramer().append(bytes(head))).toMatchObject([
      { refusal: { status: 513, method: 'OPTIONS', headers: [['Via', 'SIP/2.0/TCP a;branch=z9hG4bK1']] } },
    ])
  })

  it('reads from a stream what a datagram of the same bytes is', () => {
    const whole = bytes(message('a', 'one\r\n\r\ntwo'))
    const change = fc.tuple(fc.nat(whole.length - 1), fc.constantFrom(...bytes('\r\n :;,<"a0\xff')))
    fc.assert(
      fc.property(fc.array(change, { maxLength: 3 }), fc.nat(whole.length), (changes, cut) => {
        const mutated = Uint8Array.from(whole)
        for (const [at, byte] of changes) mutated[at] = byte
        const framer = new SipFramer()
        const frames = [...framer.append(mutated.subarray(0, cut)), ...framer.append(mutated.subarray(cut))]
        const [first] = frames.filter(({ kind }) => kind !== 'ping')
        const datagram = parseSipMessage(mutated)
        // A stream has no end: without a length there is no body, and what is cut off may still come.
        if (first?.kind === 'message' && headerOf(first.message, 'Content-Length') !== undefined)
          expect(datagram).toEqual(first.message)
        if (first?.kind === 'refusal') expect(datagram.kind).toBe('refusal')
      }),
      { numRuns: 500 },
    )
  })

  it('never throws and never holds more than a message', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 }), (chunks) => {
        const framer = new SipFramer()
        for (const chunk of chunks) framer.append(chunk)
        expect(framer.bufferedBytes).toBeLessThanOrEqual(98_308)
      }),
    )
  })
})
