import type { MigrationListener, Plan } from '../../services/migration/migrate.ts'
import type { Counts } from '../../services/migration/tally.ts'
import { formatBytes, type Terminal } from './terminal.ts'

/** What a recording costs beside its bytes, in bytes: with small ones it is most of the time. */
const RECORDING_COSTS_BYTES = 64 * 1024
const REDRAW_MS = 200
/** Where nothing can be redrawn, a line is for who reads a log. */
const LINE_EVERY_MS = 10_000
const MS_PER_SECOND = 1000
const SECONDS_PER_MINUTE = 60
const SECONDS_PER_HOUR = 3600

/** How far a run is, in one line: recordings, bytes, rate, and the time that the rest will take if it goes on as it went. */
export const formatMigrationProgress = (plan: Plan, counts: Counts, elapsedMs: number): string => {
  const done = counts.copied + counts.wrong.count
  const cost = ({ recordings, bytes }: Plan) => recordings * RECORDING_COSTS_BYTES + bytes
  const [doneCost, allCost] = [cost({ recordings: done, bytes: counts.bytes }), cost(plan)]
  const seconds = Math.max(1, elapsedMs) / MS_PER_SECOND
  const rest = doneCost === 0 ? undefined : (Math.max(0, allCost - doneCost) / doneCost) * seconds
  return [
    `${Math.floor(allCost === 0 ? 100 : Math.min(100, (100 * doneCost) / allCost))} %`,
    `${done} of ${plan.recordings} recordings`,
    `${formatBytes(counts.bytes)} of ${formatBytes(plan.bytes)}`,
    `${(done / seconds).toFixed(0)} recordings/s, ${formatBytes(counts.bytes / seconds)}/s`,
    ...(rest === undefined ? [] : [`${formatDuration(rest)} left`]),
  ].join(' · ')
}

const formatDuration = (seconds: number): string => {
  const whole = Math.ceil(seconds)
  if (whole < SECONDS_PER_MINUTE) return `${whole} s`
  if (whole < SECONDS_PER_HOUR) return `${Math.ceil(whole / SECONDS_PER_MINUTE)} min`
  return `${(whole / SECONDS_PER_HOUR).toFixed(1)} h`
}

/** Shows how far a run is: on a terminal in a line that redraws itself, else in a line each ten seconds. `end` takes the drawn line away. */
export const openMigrationProgress = ({ stderr }: Terminal): MigrationListener & { end(): void } => {
  let plan: Plan = { recordings: 0, bytes: 0 }
  let begunMs = 0
  let shownMs = 0
  const { isTTY } = stderr
  return {
    planned: (made) => {
      plan = made
      begunMs = performance.now()
      shownMs = begunMs
    },
    moved: (counts) => {
      const nowMs = performance.now()
      if (nowMs - shownMs < (isTTY ? REDRAW_MS : LINE_EVERY_MS)) return
      shownMs = nowMs
      const line = formatMigrationProgress(plan, counts, nowMs - begunMs)
      stderr.write(isTTY ? `\r\x1b[K${line}` : `${line}\n`)
    },
    end: () => void (isTTY && stderr.write('\r\x1b[K')),
  }
}
