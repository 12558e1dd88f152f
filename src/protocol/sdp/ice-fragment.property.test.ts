import fc from 'fast-check'
import { expect, it } from 'vitest'
import { CANDIDATES_MAX, isCandidate } from './ice-candidate.ts'
import { parseIceFragment } from './ice-fragment.ts'

it('brings only what can be used, or is none, whatever the text', () => {
  const words = fc.constantFrom(
    'a=ice-ufrag:',
    'EsAw',
    'm=audio 9 RTP/AVP 0',
    'a=mid:0',
    'a=candidate:',
    'a=candidate:1 1 udp 1 192.0.2.2 9 typ host',
    ' x',
    '\r\n',
    '\r',
    '\n',
    '\u2028',
  )
  const pieces = fc.array(fc.oneof({ weight: 4, arbitrary: words }, fc.string({ unit: 'binary', maxLength: 6 })), {
    maxLength: 40,
  })
  fc.assert(
    fc.property(pieces, (parts) => {
      for (const text of [parts.join(''), `a=ice-ufrag:EsAw\r\n${parts.join('')}`, parts.join('\n')]) {
        const fragment = parseIceFragment(text)
        if (!fragment) continue
        expect(fragment.ufrag).toMatch(/^[A-Za-z0-9+/]{4,256}$/)
        expect(fragment.candidates.filter((candidate) => !isCandidate(candidate))).toEqual([])
        expect(fragment.candidates.length).toBeLessThanOrEqual(CANDIDATES_MAX)
      }
    }),
    { numRuns: 500 },
  )
})
