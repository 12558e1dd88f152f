import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SampleTrack } from './sample-track.ts'
import type { News, Piece } from './track.ts'

const RATE = 1000
const track = (edgeTicks?: number) => new SampleTrack({ bytesPerTick: 1, clockRateHz: RATE }, edgeTicks)
const bytes = (from: number, to: number) => Uint8Array.from({ length: to - from }, (_, index) => (from + index) % 251)
const put = (on: SampleTrack, from: number, to: number) => on.insert(from, bytes(from, to))
type Rendered = (number | 'gap')[]
const render = (pieces: readonly Piece[]): Rendered =>
  pieces.flatMap((piece): Rendered => (piece.kind === 'audio' ? [...piece.bytes] : Array(piece.ticks).fill('gap')))
const copy = (news: readonly News[]): News[] =>
  news.map(({ positionTicks, bytes }) => ({ positionTicks, bytes: bytes.slice() }))

describe('SampleTrack', () => {
  it('gives back what was put in, with gaps where nothing came', () => {
    const on = track()
    expect(put(on, 100, 120)).toBe('placed')
    expect(put(on, 140, 160)).toBe('placed')
    expect(on.endTicks).toBe(160)
    expect(on.edgeTicks).toBeUndefined()
    expect(render(on.take(160))).toEqual([...bytes(100, 120), ...Array(20).fill('gap'), ...bytes(140, 160)])
    expect(on.edgeTicks).toBe(160)
  })

  it('takes packets in any order and knows those that it has', () => {
    const on = track()
    put(on, 100, 120)
    put(on, 140, 160)
    expect(put(on, 120, 140)).toBe('placed')
    expect(put(on, 120, 140)).toBe('duplicate')
    expect(put(on, 80, 100)).toBe('placed')
    expect(render(on.take(160))).toEqual([...bytes(80, 160)])
  })

  it('calls late what lies before its edge, and ahead what it cannot hold', () => {
    const on = track()
    put(on, 1000, 1020)
    on.take(1020)
    expect(put(on, 1000, 1020)).toBe('late')
    expect(put(on, 20_000, 20_020)).toBe('ahead')
    expect(render(on.take(20_000))).toEqual(Array(18_980).fill('gap'))
    expect(put(on, 20_000, 20_020)).toBe('placed')
  })

  it('tells the journal everything once, and replays it to the same audio', () => {
    const step = fc.record({
      from: fc.integer({ min: 1000, max: 4000 }),
      length: fc.integer({ min: 1, max: 60 }),
      take: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const on = track()
        const journal: News[] = []
        const written: (number | 'gap')[] = []
        let end = 0
        for (const { from, length, take } of steps) {
          put(on, from, from + length)
          end = Math.max(end, on.endTicks)
          if (!take) continue
          journal.push(...copy(on.takeNews()))
          written.push(...render(on.take(Math.max(on.edgeTicks ?? 0, end - 400))))
        }
        journal.push(...copy(on.takeNews()))
        written.push(...render(on.take(end)))
        const again = track()
        for (const news of journal) expect(again.replay(news)).not.toBe('late')
        // Replay begins at the earliest of all: what came before the first edge was refused then.
        const replayed = render(again.take(end))
        expect(replayed.slice(replayed.length - written.length)).toEqual(written)
        for (const [index, value] of written.entries()) {
          if (value !== 'gap') expect(value).toBe((end - written.length + index) % 251)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('goes on from an edge and skips what is before it', () => {
    const on = track(1010)
    expect(on.replay({ positionTicks: 1000, bytes: bytes(1000, 1020) })).toBe('placed')
    expect(on.replay({ positionTicks: 990, bytes: bytes(990, 1000) })).toBe('late')
    expect(render(on.take(1020))).toEqual([...bytes(1010, 1020)])
  })
})
