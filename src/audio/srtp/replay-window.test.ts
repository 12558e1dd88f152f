import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { REPLAY_WINDOW, ReplayWindow } from './replay-window.ts'

describe('ReplayWindow', () => {
  it('lets every index through once, and none from behind the window', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 600 }), { maxLength: 300 }), (indexes) => {
        const window = new ReplayWindow()
        const seen = new Set<number>()
        for (const index of indexes) {
          const highest = Math.max(-1, ...seen)
          expect(window.isFresh(index)).toBe(!seen.has(index) && index > highest - REPLAY_WINDOW)
          if (!window.isFresh(index)) continue
          window.note(index)
          seen.add(index)
        }
        expect(window.highest).toBe(Math.max(-1, ...seen))
      }),
    )
  })
})
