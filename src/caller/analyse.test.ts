import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { analyse } from './analyse.ts'
import { complaintsOf } from './compare.ts'
import type { Silence } from './listen.ts'
import { seededRandom } from './random.ts'
import type { SignalPlan } from './signal.ts'
import { planSpeech, renderSpeech } from './speech.ts'
import { planTones, renderTones } from './tones.ts'

const FRAME_MS = 20

const rendered = (plan: SignalPlan, sampleRateHz: number): Float32Array => {
  const samples = new Int16Array(Math.round((plan.durationMs * sampleRateHz) / 1000))
  const render = plan.kind === 'tones' ? renderTones : renderSpeech
  render(plan, sampleRateHz)(0, samples)
  return Float32Array.from(samples, (sample) => sample / 32_768)
}

/** Silences a share of the 20 ms frames; the gaps that it made, neighbours joined. */
const loseFrames = (samples: Float32Array, sampleRateHz: number, ratio: number, seed: number): readonly Silence[] => {
  const random = seededRandom(seed)
  const frame = (FRAME_MS * sampleRateHz) / 1000
  const gaps: { startMs: number; durationMs: number }[] = []
  for (let index = 1; (index + 1) * frame < samples.length; index += 1) {
    if (random() >= ratio) continue
    samples.fill(0, index * frame, (index + 1) * frame)
    const last = gaps.at(-1)
    if (last && last.startMs + last.durationMs === index * FRAME_MS) last.durationMs += FRAME_MS
    else gaps.push({ startMs: index * FRAME_MS, durationMs: FRAME_MS })
  }
  return gaps
}

const FINE = { onsetMs: 1, durationMs: 0.2, gapMs: 1 }

describe.each([8000, 16_000, 48_000])('tones at %i Hz', (rateHz) => {
  it('are found to the millisecond where nothing happened to them', () => {
    const plan = planTones({ durationMs: 20_000, leg: 0, seed: 11 })
    const comparison = analyse(rendered(plan, rateHz), rateHz, plan, { gaps: [] })
    expect(complaintsOf(comparison, FINE)).toEqual([])
    expect(comparison.onsets).toHaveLength(plan.bursts.length)
    expect(comparison.worstOnsetErrorMs).toBeLessThan(1)
  })

  it.each([0.01, 0.05, 0.2])('are found with a share of %f of all frames missing, and so are the gaps', (ratio) => {
    for (let seed = 1; seed <= 5; seed += 1) {
      const plan = planTones({ durationMs: 20_000, leg: seed % 4, seed })
      const samples = rendered(plan, rateHz)
      const gaps = loseFrames(samples, rateHz, ratio, seed)
      const comparison = analyse(samples, rateHz, plan, { gaps })
      expect(complaintsOf(comparison, { ...FINE, gapMs: 3 }), `seed ${seed}`).toEqual([])
      expect(comparison.onsets.length).toBeGreaterThan(plan.bursts.length * (1 - ratio) * 0.6)
    }
  })
})

describe('speech', () => {
  it.each([0, 0.05, 0.2])('is found within a few milliseconds, with a share of %f of all frames missing', (ratio) => {
    for (let seed = 1; seed <= 4; seed += 1) {
      const plan = planSpeech({ durationMs: 20_000, leg: seed % 4, seed })
      const samples = rendered(plan, 8000)
      const gaps = loseFrames(samples, 8000, ratio, seed)
      const comparison = analyse(samples, 8000, plan, { gaps })
      expect(complaintsOf(comparison, { onsetMs: 8, durationMs: 0.2, gapMs: 2 }), `seed ${seed}`).toEqual([])
    }
  })
})

describe('what is wrong is seen', () => {
  const plan = planTones({ durationMs: 8000, leg: 0, seed: 5 })
  const rateHz = 8000
  const complaints = (samples: Float32Array, gaps: readonly Silence[] = [], of = plan): string =>
    complaintsOf(analyse(samples, rateHz, of, { gaps })).join('; ')

  it('a shift of any length, either way', () => {
    fc.assert(
      fc.property(fc.integer({ min: 25, max: 3000 }), fc.boolean(), (shiftMs, isLate) => {
        const samples = rendered(plan, rateHz)
        const shifted = new Float32Array(samples.length)
        const shift = shiftMs * 8
        if (isLate) shifted.set(samples.subarray(0, samples.length - shift), shift)
        else shifted.set(samples.subarray(shift))
        expect(complaints(shifted)).toMatch(/onsets are off|bursts are missing/)
      }),
      { numRuns: 40 },
    )
  })

  it('a frame too many, and one too few', () => {
    const samples = rendered(plan, rateHz)
    const stretched = new Float32Array(samples.length + 240)
    stretched.set(samples.subarray(0, 16_000))
    stretched.set(samples.subarray(16_000), 16_240)
    expect(complaints(stretched)).toMatch(/onsets are off.*silences should be sound.*duration is off by 30.0/)
    expect(complaints(samples.subarray(0, -240))).toMatch(/duration is off by -30.0/)
  })

  it('a gap that nobody ordered, one that was filled, and one of the wrong length', () => {
    const samples = rendered(plan, rateHz)
    expect(complaints(samples, [{ startMs: 2000, durationMs: 500 }])).toMatch(/gaps are not as they should be/)
    samples.fill(0, 16_000, 20_000)
    expect(complaints(samples)).toMatch(/silences should be sound, e.g. {"startMs":(1999|2000).*,"durationMs":50/)
    expect(complaints(samples, [{ startMs: 2000, durationMs: 440 }])).toMatch(/gaps are not as they should be/)
    expect(complaints(samples, [{ startMs: 2000, durationMs: 500 }])).toBe('')
  })

  it("another leg's tones beneath, another seed, silence, and noise", () => {
    const samples = rendered(plan, rateHz)
    const other = rendered(planTones({ durationMs: 8000, leg: 1, seed: 5 }), rateHz)
    const mixed = samples.map((sample, index) => sample + (other[index] ?? 0))
    expect(complaints(mixed)).not.toBe('')
    expect(complaints(other)).toMatch(/bursts are missing.*never sent/)
    expect(complaints(rendered(planTones({ durationMs: 8000, leg: 0, seed: 6 }), rateHz))).toMatch(/bursts are missing/)
    expect(complaints(new Float32Array(64_000))).toMatch(/no burst could be measured/)
    const random = seededRandom(1)
    expect(complaints(samples.map(() => random() - 0.5))).toMatch(/missing/)
  })
})

it('measures ten minutes of audio in seconds', () => {
  const plan = planTones({ durationMs: 600_000, leg: 0, seed: 2 })
  const samples = rendered(plan, 8000)
  const startedAt = performance.now()
  expect(complaintsOf(analyse(samples, 8000, plan, { gaps: [] }), FINE)).toEqual([])
  expect(performance.now() - startedAt).toBeLessThan(10_000)
})
