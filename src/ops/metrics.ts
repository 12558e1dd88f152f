import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { RequestReport, SpoolState, Swept, Telemetry } from '../ports/telemetry.ts'
import { CallMetrics } from './call-metrics.ts'
import { SpoolMetrics } from './spool-metrics.ts'
import { WhipMetrics } from './whip-metrics.ts'

const REQUEST_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60]
const WRITE_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5]
const BATCH_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]

interface RouteSeries {
  readonly count: Counter.Internal
  readonly seconds: Histogram.Internal<'route' | 'method' | 'status'>
}

/** Every metric of the process, for Prometheus. Listed in docs/reference/metrics.md, which a test holds to this file. */
export class Metrics implements Telemetry {
  readonly registry = new Registry()
  /** Those of live calls. */
  readonly calls = new CallMetrics(this.registry)
  /** Those of WebRTC sessions. */
  readonly whip = new WhipMetrics(this.registry)
  readonly #requests: Counter<'route' | 'method' | 'status'>
  readonly #requestSeconds: Histogram<'route' | 'method' | 'status'>
  readonly #uploads: Counter<'outcome'>
  readonly #uploadBytes: Counter
  readonly #derivations: Counter<'outcome' | 'format'>
  readonly #writeSeconds: Histogram
  readonly #writeBatch: Histogram
  readonly #swept: Counter<'kind'>
  readonly #orphans: Gauge<'store'>
  /** Those of the way to the shared media store. */
  readonly #spool = new SpoolMetrics(this.registry)
  /** Routes × statuses are few; their label lookup would cost more than the measurement. */
  readonly #series = new Map<string, RouteSeries>()

  constructor() {
    const registers = [this.registry]
    const labelNames = ['route', 'method', 'status'] as const
    collectDefaultMetrics({ register: this.registry })
    this.#requests = new Counter({
      name: 'poulsen_http_requests_total',
      help: 'HTTP requests answered.',
      labelNames,
      registers,
    })
    this.#requestSeconds = new Histogram({
      name: 'poulsen_http_request_seconds',
      help: 'From the first byte of the request to the last of the answer.',
      labelNames,
      buckets: REQUEST_BUCKETS,
      registers,
    })
    this.#uploads = new Counter({
      name: 'poulsen_uploads_total',
      help: 'Uploads ended, by outcome.',
      labelNames: ['outcome'],
      registers,
    })
    this.#uploadBytes = new Counter({
      name: 'poulsen_upload_bytes_total',
      help: 'Bytes of audio stored or repeated.',
      registers,
    })
    this.#derivations = new Counter({
      name: 'poulsen_derivations_total',
      help: 'Requests for derived media, by outcome and format.',
      labelNames: ['outcome', 'format'],
      registers,
    })
    this.#writeSeconds = new Histogram({
      name: 'poulsen_catalogue_commit_seconds',
      help: 'Duration of a group commit of the catalogue.',
      buckets: WRITE_BUCKETS,
      registers,
    })
    this.#writeBatch = new Histogram({
      name: 'poulsen_catalogue_commit_writes',
      help: 'Writes that shared a commit of the catalogue.',
      buckets: BATCH_BUCKETS,
      registers,
    })
    this.#swept = new Counter({
      name: 'poulsen_swept_total',
      help: 'Media removed by the sweeper.',
      labelNames: ['kind'],
      registers,
    })
    this.#orphans = new Gauge({
      name: 'poulsen_orphans',
      help: 'Media without a row that the last sweep kept.',
      labelNames: ['store'],
      registers,
    })
  }

  /** One HTTP request that has been answered. */
  requestEnded({ route, method, status, ms }: RequestReport): void {
    const series = this.#seriesOf(route, method, status)
    series.count.inc()
    series.seconds.observe(ms / 1000)
  }

  /** Everything in Prometheus' text form. */
  async render(): Promise<{ readonly contentType: string; readonly text: string }> {
    return { contentType: this.registry.contentType, text: await this.registry.metrics() }
  }

  /** Free bytes where media lands, asked for at each scrape; nothing is shown while it is unknown. */
  watchDiskFree(freeBytes: () => Promise<number | undefined>): void {
    new Gauge({
      name: 'poulsen_media_free_bytes',
      help: 'Free bytes where media lands.',
      registers: [this.registry],
      async collect() {
        const free = await freeBytes().catch(() => undefined)
        if (free === undefined) this.reset()
        else this.set(free)
      },
    })
  }

  uploadEnded(outcome: string, byteSize: number): void {
    this.#uploads.inc({ outcome })
    this.#uploadBytes.inc(byteSize)
  }

  derivationEnded(outcome: string, format: string): void {
    this.#derivations.inc({ outcome, format })
  }

  catalogueWrite(seconds: number, batchSize: number): void {
    this.#writeSeconds.observe(seconds)
    this.#writeBatch.observe(batchSize)
  }

  mediaMoved(byteSize: number, seconds: number): void {
    this.#spool.mediaMoved(byteSize, seconds)
  }

  mediaNotMoved(code: string): void {
    this.#spool.mediaNotMoved(code)
  }

  /** What waits to be moved, asked for at each scrape. */
  watchSpool(state: () => SpoolState): void {
    this.#spool.watch(state)
  }

  sweepEnded({ store, orphans, unfinished, kept }: Swept): void {
    this.#swept.inc({ kind: 'orphan' }, orphans)
    this.#swept.inc({ kind: 'unfinished' }, unfinished)
    this.#orphans.set({ store }, kept)
  }

  #seriesOf(route: string, method: string, status: number): RouteSeries {
    const name = `${method} ${status} ${route}`
    const known = this.#series.get(name)
    if (known) return known
    const labels = { route, method, status }
    const series = { count: this.#requests.labels(labels), seconds: this.#requestSeconds.labels(labels) }
    this.#series.set(name, series)
    return series
  }
}
