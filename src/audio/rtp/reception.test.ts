import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Reception } from './reception.ts'

const STEP = 160
const SEQUENCES = 0x10000

/** Packets of these numbers, each sent and received at its time. */
const receive = (reception: Reception, sequences: readonly number[]): (number | undefined)[] =>
  sequences.map((sequence) => reception.update(sequence % SEQUENCES, (sequence * STEP) >>> 0, sequence * STEP))

const run = (from: number, count: number): number[] => Array.from({ length: count }, (_, index) => from + index)

const counts = ({ received, expected, lost, duplicated }: Reception) => ({ received, expected, lost, duplicated })

describe('Reception', () => {
  it('has nothing before the first packet', () => {
    const reception = new Reception()
    expect(counts(reception)).toEqual({ received: 0, expected: 0, lost: 0, duplicated: 0 })
    expect([reception.highestSequence, reception.takeFractionLost(), reception.jitterTicks]).toEqual([0, 0, 0])
  })

  it('counts what is missing, what comes late and what comes twice', () => {
    const reception = new Reception()
    receive(reception, [10, 11, 13, 16, 12, 13, 16, 16])
    expect(counts(reception)).toEqual({ received: 5, expected: 7, lost: 2, duplicated: 3 })
    expect(reception.highestSequence).toBe(16)
  })

  it('counts packets that the first has overtaken', () => {
    const reception = new Reception()
    receive(reception, [2, 0, 3])
    expect(counts(reception)).toEqual({ received: 3, expected: 4, lost: 1, duplicated: 0 })
    receive(reception, [SEQUENCES - 1])
    expect(counts(reception)).toEqual({ received: 4, expected: 5, lost: 1, duplicated: 0 })
  })

  it('goes on over the wrap of sequence numbers, again and again', () => {
    const reception = new Reception()
    const extended = receive(reception, run(65_000, 3 * SEQUENCES))
    expect(extended).toEqual(run(65_000 + SEQUENCES, 3 * SEQUENCES))
    expect(counts(reception)).toEqual({ received: 3 * SEQUENCES, expected: 3 * SEQUENCES, lost: 0, duplicated: 0 })
    expect(reception.highestSequence).toBe(65_000 + 3 * SEQUENCES - 1)
  })

  it('gives the share of packets lost since it was asked last, never below zero', () => {
    const reception = new Reception()
    receive(reception, [0, 1, 2, 7])
    expect(reception.takeFractionLost()).toBe(128)
    receive(reception, [8, 9, 10, 11])
    expect(reception.takeFractionLost()).toBe(0)
    // What was lost comes after all: more has come than was expected since.
    receive(reception, [3, 4, 5])
    expect(reception.takeFractionLost()).toBe(0)
    receive(reception, [1011])
    expect(reception.takeFractionLost()).toBe(255)
  })

  it('takes a jump forward within limits for loss', () => {
    const reception = new Reception()
    receive(reception, [0, 3000])
    expect(counts(reception)).toEqual({ received: 2, expected: 3001, lost: 2999, duplicated: 0 })
  })

  it('takes no notice of one packet from far away, unless the next one follows it', () => {
    const reception = new Reception()
    receive(reception, [100, 101])
    expect(reception.update(30_000, 0, 0)).toBeUndefined()
    receive(reception, [102])
    expect(reception.update(30_001, 0, 0)).not.toBeUndefined()
  })

  it('believes a sender that begins anew with two packets in a row, and loses nothing by it', () => {
    const reception = new Reception()
    const before = receive(reception, run(40_000, 50)).at(-1) as number
    expect(receive(reception, [7])).toEqual([undefined])
    const after = receive(reception, run(8, 20)) as number[]
    expect(after[0]).toBeGreaterThan(before)
    expect(after.map((extended) => extended % SEQUENCES)).toEqual(run(8, 20))
    expect(counts(reception)).toEqual({ received: 70, expected: 70, lost: 0, duplicated: 0 })
  })

  it('smooths jitter by a sixteenth of each difference', () => {
    const reception = new Reception()
    const lateBy = [0, 16, 16, 0, 32]
    let jitter = 0
    for (const [index, late] of lateBy.entries()) {
      reception.update(index, index * STEP, 12_345.5 + index * STEP + late)
      if (index > 0) jitter += (Math.abs(late - (lateBy[index - 1] ?? 0)) - jitter) / 16
      expect(reception.jitterTicks).toBeCloseTo(jitter, 9)
    }
    expect(reception.jitterMaxTicks).toBeCloseTo(jitter, 9)
    expect(jitter).toBeGreaterThan(3)
  })

  it('sees no jitter in the wrap of timestamps, nor in a new time base', () => {
    const reception = new Reception()
    reception.update(0, 0xffffff60, 0)
    reception.update(1, 0, STEP)
    reception.update(2, 0x80000000, 2 * STEP)
    reception.update(3, 0x80000000 + STEP, 3 * STEP)
    expect(reception.jitterMaxTicks).toBe(0)
  })

  it('counts right whatever is lost, doubled or overtaken a little', () => {
    const stream = fc.record({
      from: fc.nat(0xffff),
      fates: fc.array(fc.record({ copies: fc.nat(2), delay: fc.nat(40) }), { minLength: 1, maxLength: 400 }),
    })
    fc.assert(
      fc.property(stream, ({ from, fates }) => {
        const sent = fates.flatMap(({ copies, delay }, index) =>
          Array.from({ length: copies }, (_, copy) => ({
            sequence: from + index,
            at: index + (copy === 0 ? 0 : delay),
          })),
        )
        const arrived = sent.sort((a, b) => a.at - b.at).map(({ sequence }) => sequence)
        const reception = new Reception()
        receive(reception, arrived)
        const distinct = new Set(arrived)
        const expected = distinct.size === 0 ? 0 : Math.max(...distinct) - Math.min(...distinct) + 1
        expect(counts(reception)).toEqual({
          received: distinct.size,
          expected,
          lost: expected - distinct.size,
          duplicated: arrived.length - distinct.size,
        })
      }),
    )
  })
})
