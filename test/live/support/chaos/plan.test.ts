import { describe, expect, it } from 'vitest'
import { type Pace, planFaults } from './plan.ts'

const PACE: Pace = { lengthMs: 600_000, nodes: 3, killEveryMs: 30_000, cycles: 2, freezeMs: 60_000 }
const SEEDS = Array.from({ length: 200 }, (_, seed) => seed)

describe('a plan of faults', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(planFaults(7, PACE)).toEqual(planFaults(7, PACE))
    expect(planFaults(7, PACE)).not.toEqual(planFaults(8, PACE))
  })

  it('has everything in it, in order, one server away at a time', () => {
    for (const seed of SEEDS) {
      const plan = planFaults(seed, PACE)
      expect(plan.map(({ atMs }) => atMs)).toEqual(plan.map(({ atMs }) => atMs).toSorted((a, b) => a - b))
      expect(plan.filter(({ kind }) => kind === 'kill')).toHaveLength(20)
      const outages = plan.filter((fault) => 'server' in fault)
      const names = Map.groupBy(outages, ({ kind, server }) => `${kind} ${server}`)
      expect([...names.values()].map(({ length }) => length)).toEqual([2, 2, 2, 2])
      for (const [index, { atMs, forMs }] of outages.entries())
        expect(atMs + forMs).toBeLessThanOrEqual(outages[index + 1]?.atMs ?? PACE.lengthMs)
    }
  })
})
