import { describe, expect, it } from 'vitest'
import { formatMigrationProgress } from './migration-progress.ts'

const none = { count: 0, first: [] }
const counts = { copied: 0, removed: 0, unchanged: 0, bytes: 0, left: none, wrong: none }

describe('the progress of a migration', () => {
  it('is a line with share, recordings, bytes, rate and the time that is left', () => {
    const plan = { recordings: 10_000, bytes: 160_000_000 }
    expect(formatMigrationProgress(plan, { ...counts, copied: 2_500, bytes: 40_000_000 }, 10_000)).toBe(
      '25 % · 2500 of 10000 recordings · 40 MB of 160 MB · 250 recordings/s, 4 MB/s · 30 s left',
    )
  })

  it('says nothing of the time that is left before anything is done', () => {
    expect(formatMigrationProgress({ recordings: 5, bytes: 10 }, counts, 100)).toBe(
      '0 % · 0 of 5 recordings · 0 B of 10 B · 0 recordings/s, 0 B/s',
    )
    expect(formatMigrationProgress({ recordings: 0, bytes: 0 }, counts, 0)).toContain('100 %')
  })

  it.each([
    [200_000, /· 10 min left$/],
    [20_000_000, /· 16\.7 h left$/],
  ])('tells long times in larger units (%d ms for a quarter)', (ms, end) => {
    expect(formatMigrationProgress({ recordings: 4, bytes: 0 }, { ...counts, copied: 1 }, ms)).toMatch(end)
  })
})
