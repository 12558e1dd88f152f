import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isCandidate, rewriteCandidate } from './ice-candidate.ts'

const HOST = 'candidate:480316330 1 udp 2122194687 192.0.2.2 59989 typ host'

describe('isCandidate', () => {
  it('takes nothing but printable ASCII, whatever is changed', () => {
    const change = fc.tuple(fc.nat(HOST.length), fc.string({ unit: 'binary', maxLength: 3 }), fc.nat(2))
    fc.assert(
      fc.property(fc.array(change, { maxLength: 2 }), (changes) => {
        const text = changes.reduce((all, [at, piece, cut]) => all.slice(0, at) + piece + all.slice(at + cut), HOST)
        if (isCandidate(text)) expect(text).toMatch(/^[\x20-\x7e]+$/)
      }),
      { numRuns: 500 },
    )
  })

  it('never throws, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(isCandidate(text)).toBe(false)
        expect(isCandidate(`${HOST}\n${text}`)).toBe(false)
      }),
    )
  })
})

describe('rewriteCandidate', () => {
  it('leaves a candidate, whatever the address', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (address) => {
        const told = rewriteCandidate(HOST, address)
        expect([isCandidate(told), rewriteCandidate(told, '192.0.2.2')]).toEqual([true, HOST])
      }),
    )
  })
})
