import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { answerRange } from './range.ts'

const range = (startBytes: number, endBytes: number) => ({ startBytes, endBytes })

describe('answerRange (RFC 9110 §14.2)', () => {
  it.each([
    [undefined, 'whole'],
    ['bytes=0-0', range(0, 1)],
    ['bytes=0-', range(0, 100)],
    ['bytes=99-', range(99, 100)],
    ['bytes=10-19', range(10, 20)],
    ['bytes=10-1000', range(10, 100)],
    ['bytes=-1', range(99, 100)],
    ['bytes=-1000', range(0, 100)],
    ['BYTES=5-9', range(5, 10)],
    ['bytes= 5-9 ', range(5, 10)],
    ['bytes=100-', 'unsatisfiable'],
    ['bytes=100-200', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=99999999999999999999-', 'unsatisfiable'],
    ['bytes=20-10', 'whole'],
    ['bytes=-', 'whole'],
    ['bytes=', 'whole'],
    ['bytes=a-b', 'whole'],
    ['bytes=0-1,5-6', 'whole'],
    ['lines=0-1', 'whole'],
    ['bytes 0-1', 'whole'],
    ['', 'whole'],
  ])('%s of 100 bytes', (header, answer) => {
    expect(answerRange(header, 100)).toEqual(answer)
  })

  it('never answers outside the representation', () => {
    fc.assert(
      fc.property(fc.string(), fc.nat(), fc.nat(), fc.nat({ max: 5000 }), (text, first, last, sizeBytes) => {
        for (const header of [text, `bytes=${text}`, `bytes=${first}-${last}`, `bytes=-${last}`, `bytes=${first}-`]) {
          const answer = answerRange(header, sizeBytes)
          if (typeof answer === 'string') continue
          expect(answer.startBytes).toBeGreaterThanOrEqual(0)
          expect(answer.startBytes).toBeLessThan(answer.endBytes)
          expect(answer.endBytes).toBeLessThanOrEqual(sizeBytes)
        }
      }),
    )
  })
})
