import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { goertzel } from './listen.ts'
import { planSpeech, renderSpeech } from './speech.ts'
import { ALL_PITCHES, pitchesOf, planTones, renderTones } from './tones.ts'

const toFloat = (samples: Int16Array): Float32Array => Float32Array.from(samples, (sample) => sample / 32_768)

describe.each([
  ['tones', planTones, renderTones],
  ['speech', planSpeech, renderSpeech],
] as const)('%s', (_kind, plan, render) => {
  it('follow from their options alone, and fill the time with bursts apart', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2000, max: 60_000 }), fc.nat(3), fc.nat(), (durationMs, leg, seed) => {
        const { bursts } = plan({ durationMs, leg, seed })
        expect(bursts).toEqual(plan({ durationMs, leg, seed }).bursts)
        expect(bursts.length).toBeGreaterThan(durationMs / 1200)
        for (const [index, burst] of bursts.entries()) {
          const before = bursts[index - 1]
          if (before) expect(burst.startMs).toBeGreaterThanOrEqual(before.startMs + before.durationMs + 80)
          expect(burst.startMs + burst.durationMs).toBeLessThanOrEqual(durationMs)
        }
      }),
      { numRuns: 50 },
    )
  })

  it('are the same whether rendered whole or in any pieces', () => {
    const it = plan({ durationMs: 3000, leg: 1, seed: 7 })
    const read = render(it, 8000)
    const whole = new Int16Array(24_000)
    read(0, whole)
    fc.assert(
      fc.property(fc.nat(23_000), fc.integer({ min: 1, max: 900 }), (from, count) => {
        const piece = new Int16Array(count)
        read(from, piece)
        const expected = whole.subarray(from, from + count)
        for (const [index, sample] of piece.entries()) expect(Math.abs(sample - (expected[index] ?? 0))).toBeLessThan(3)
      }),
      { numRuns: 200 },
    )
  })

  it('refuse a duration and a leg out of range', () => {
    for (const options of [{ durationMs: 0 }, { durationMs: 1e9 }, { durationMs: 1, leg: 4 }]) {
      expect(() => plan(options)).toThrow(expect.objectContaining({ code: 'CALL_INVALID', kind: 'invalid' }))
    }
  })

  it('end where they end, and are silent behind', () => {
    const read = render(plan({ durationMs: 500 }), 8000)
    const after = new Int16Array(400).fill(1)
    read(4000, after)
    expect(after).toEqual(new Int16Array(400))
  })
})

describe('tones', () => {
  it('differ in every pitch between legs', () => {
    expect(new Set(ALL_PITCHES).size).toBe(32)
    expect(Math.max(...ALL_PITCHES)).toBeLessThan(3400)
  })

  it('have their own pitch, and the pilot, at their own level', () => {
    const plan = planTones({ durationMs: 2000, leg: 2, seed: 3 })
    const samples = new Int16Array(96_000)
    renderTones(plan, 48_000)(0, samples)
    for (const { startMs, durationMs, frequencyHz } of plan.bursts) {
      expect(pitchesOf(2)).toContain(frequencyHz)
      const inside = toFloat(samples.subarray((startMs + 2) * 48, (startMs + durationMs - 2) * 48))
      expect(Math.sqrt(goertzel(inside, frequencyHz ?? 0, 48_000))).toBeCloseTo(0.3, 1)
      expect(Math.sqrt(goertzel(inside, plan.pilotHz, 48_000))).toBeCloseTo(0.03, 1)
    }
  })
})
