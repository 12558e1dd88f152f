import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { SpoolState } from '../ports/telemetry.ts'

const MOVE_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60]
const MS_PER_SECOND = 1000

/** The metrics of the way from this machine's disk to the shared media store. Listed in docs/reference/metrics.md. */
export class SpoolMetrics {
  readonly #registry: Registry
  readonly #bytes: Counter
  readonly #seconds: Histogram
  readonly #failures: Counter<'code'>

  constructor(registry: Registry) {
    this.#registry = registry
    const registers = [registry]
    this.#bytes = new Counter({
      name: 'poulsen_spool_moved_bytes_total',
      help: 'Bytes moved to the shared media store.',
      registers,
    })
    this.#seconds = new Histogram({
      name: 'poulsen_spool_move_seconds',
      help: 'Duration of moving one recording.',
      buckets: MOVE_BUCKETS,
      registers,
    })
    this.#failures = new Counter({
      name: 'poulsen_spool_failures_total',
      help: 'Attempts to move a recording that failed; each is repeated.',
      labelNames: ['code'],
      registers,
    })
  }

  mediaMoved(byteSize: number, seconds: number): void {
    this.#bytes.inc(byteSize)
    this.#seconds.observe(seconds)
  }

  mediaNotMoved(code: string): void {
    this.#failures.inc({ code })
  }

  /** Shown only where there is a spool. */
  watch(state: () => SpoolState): void {
    this.#gauge(
      'poulsen_spool_recordings',
      'Recordings that wait to be moved to the shared media store.',
      () => state().waiting,
    )
    this.#gauge(
      'poulsen_spool_oldest_seconds',
      'How long the first of them has waited.',
      () => state().oldestMs / MS_PER_SECOND,
    )
    this.#gauge('poulsen_spool_away', '1 while the shared media store or the catalogue does not answer.', () =>
      Number(state().isAway),
    )
  }

  #gauge(name: string, help: string, value: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.#registry],
      collect() {
        this.set(value())
      },
    })
  }
}
