import { describe, expect, it } from 'vitest'
import type { Piece } from '../audio/timeline/track.ts'
import { GapList, gapsBefore } from './quality.ts'

const RATE = 8_000
const MS = RATE / 1_000
const audio = (ms: number): Piece => ({ kind: 'audio', ticks: ms * MS, bytes: new Uint8Array(ms * MS) })
const gap = (ms: number): Piece => ({ kind: 'gap', ticks: ms * MS })
const noted = (...pieces: readonly Piece[]): GapList => {
  const list = new GapList(RATE)
  list.note(pieces)
  return list
}

describe('GapList', () => {
  it('joins what is cut, and leaves out what only follows a clock', () => {
    const list = noted(audio(20), gap(2), audio(20), gap(20), gap(1), audio(20), gap(40))
    expect([list.count, list.ms]).toEqual([2, 61])
    expect(list.list()).toEqual([
      { startMs: 42, durationMs: 21 },
      { startMs: 83, durationMs: 40 },
    ])
  })

  it('goes on in the middle of a gap', () => {
    const list = new GapList(RATE, noted(audio(20), gap(20)).save())
    list.note([gap(1), gap(30), audio(20), gap(20)])
    expect(list.list()).toEqual([
      { startMs: 20, durationMs: 51 },
      { startMs: 91, durationMs: 20 },
    ])
    expect(list.count).toBe(2)
  })

  it.each([10, 25, 40, 55, 70, 100, 130, 140])('goes on from %s ms as if nothing behind it had been noted', (atMs) => {
    const pieces = [audio(20), gap(30), audio(20), gap(20), audio(20), gap(10), audio(20)]
    const whole = noted(...pieces)
    const again = new GapList(RATE, gapsBefore(whole.save(), atMs * MS))
    let fromMs = 0
    for (const piece of pieces) {
      const ms = piece.ticks / MS
      const rest = Math.min(ms, fromMs + ms - atMs)
      if (rest > 0) again.note([piece.kind === 'gap' ? gap(rest) : audio(rest)])
      fromMs += ms
    }
    expect([again.list(), again.count, again.ms]).toEqual([whole.list(), whole.count, whole.ms])
  })
})
