import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { CaptureReport, CaptureTelemetry, WorkerReport } from '../ports/capture-telemetry.ts'
import type { SipCallReport, SipTelemetry, StrangerKind } from '../ports/sip-telemetry.ts'

const SETTLE_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30]
const SET_UP_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30]
/** What becomes of packets that are not heard; plain RTP has none of the last two. */
const UNHEARD = ['lost', 'late', 'duplicated', 'strangers', 'invalid', 'unauthentic', 'replayed'] as const
const MS_PER_SECOND = 1000

/** The metrics of live calls, in the registry of all others. Listed in docs/reference/metrics.md. */
export class CallMetrics implements CaptureTelemetry, SipTelemetry {
  readonly #registry: Registry
  readonly #ended: Counter<'status' | 'reason'>
  readonly #settleSeconds: Histogram
  readonly #refused: Counter<'code'>
  readonly #recovered: Counter
  readonly #rtpPackets: Counter<'outcome'>
  readonly #gapSeconds: Counter
  readonly #sessions: Gauge<'worker'>
  readonly #packets: Counter<'worker'>
  readonly #commits: Counter<'worker'>
  readonly #commitSeconds: Counter<'worker'>
  readonly #retained: Gauge<'worker'>
  readonly #lag: Gauge<'worker'>
  readonly #sipRequests: Counter<'method' | 'status'>
  readonly #sipCalls: Gauge
  readonly #sipOutcomes: Counter<'outcome'>
  readonly #setUpSeconds: Histogram
  readonly #strangers: Counter<'kind'>
  /** Workers count from their own start; a new one begins at nothing again. */
  readonly #last = new Map<number, WorkerReport>()

  constructor(registry: Registry) {
    this.#registry = registry
    this.#ended = this.#counter('poulsen_recordings_ended_total', 'Live recordings ended.', ['status', 'reason'])
    this.#settleSeconds = this.#histogram(
      'poulsen_recording_settle_seconds',
      'From hang-up to the final row.',
      SETTLE_BUCKETS,
    )
    this.#refused = this.#counter('poulsen_capture_refused_total', 'Calls that capture refused.', ['code'])
    this.#recovered = this.#counter('poulsen_capture_recovered_total', 'Recordings recovered after a crash.', [])
    this.#rtpPackets = this.#counter('poulsen_rtp_packets_total', 'RTP packets of ended recordings.', ['outcome'])
    this.#gapSeconds = this.#counter('poulsen_rtp_gap_seconds_total', 'Silence for audio that never came.', [])
    this.#sessions = this.#gauge('poulsen_capture_sessions', 'Recordings in progress.', ['worker'])
    this.#packets = this.#counter('poulsen_capture_packets_total', 'Datagrams on media ports.', ['worker'])
    this.#commits = this.#counter('poulsen_journal_commits_total', 'Group commits of the journal.', ['worker'])
    this.#commitSeconds = this.#counter('poulsen_journal_commit_seconds_total', 'Time spent in them.', ['worker'])
    this.#retained = this.#gauge('poulsen_journal_retained_bytes', 'Journal that is kept.', ['worker'])
    this.#lag = this.#gauge('poulsen_capture_lag_seconds', 'Lateness of ticks, the worst of a second.', ['worker'])
    this.#sipRequests = this.#counter('poulsen_sip_requests_total', 'SIP requests answered.', ['method', 'status'])
    this.#sipCalls = this.#gauge('poulsen_sip_calls', 'Calls that are set up or running.', [])
    this.#sipOutcomes = this.#counter('poulsen_sip_calls_ended_total', 'Calls ended.', ['outcome'])
    this.#setUpSeconds = this.#histogram(
      'poulsen_sip_set_up_seconds',
      'From INVITE to its final answer.',
      SET_UP_BUCKETS,
    )
    this.#strangers = this.#counter('poulsen_sip_strangers_total', 'Senders of no trunk.', ['kind'])
  }

  captureEnded({ reason, status, settleMs, streams }: CaptureReport): void {
    this.#ended.inc({ status, reason })
    this.#settleSeconds.observe(settleMs / MS_PER_SECOND)
    for (const stream of streams) {
      for (const outcome of UNHEARD) this.#rtpPackets.inc({ outcome }, stream[outcome] ?? 0)
      this.#rtpPackets.inc({ outcome: 'received' }, stream.packets)
      this.#gapSeconds.inc(stream.gapMs / MS_PER_SECOND)
    }
  }

  captureRefused(code: string): void {
    this.#refused.inc({ code })
  }

  captureRecovered(recordings: number): void {
    this.#recovered.inc(recordings)
  }

  captureWorker(report: WorkerReport): void {
    const worker = String(report.worker)
    const last = this.#last.get(report.worker)
    const since = (of: 'packets' | 'commits' | 'commitMs') => {
      const before = last?.[of] ?? 0
      return report[of] >= before ? report[of] - before : report[of]
    }
    this.#sessions.set({ worker }, report.sessions)
    this.#packets.inc({ worker }, since('packets'))
    this.#commits.inc({ worker }, since('commits'))
    this.#commitSeconds.inc({ worker }, since('commitMs') / MS_PER_SECOND)
    this.#retained.set({ worker }, report.retainedBytes)
    this.#lag.set({ worker }, report.lagMs / MS_PER_SECOND)
    this.#last.set(report.worker, report)
  }

  sipRequestAnswered(method: string, status: number): void {
    this.#sipRequests.inc({ method, status: String(status) })
  }

  sipCallEnded({ outcome, setUpMs }: SipCallReport): void {
    this.#sipOutcomes.inc({ outcome })
    this.#setUpSeconds.observe(setUpMs / MS_PER_SECOND)
  }

  sipCallsChanged(calls: number): void {
    this.#sipCalls.set(calls)
  }

  sipStranger(kind: StrangerKind): void {
    this.#strangers.inc({ kind })
  }

  #counter<const L extends string>(name: string, help: string, labelNames: readonly L[]): Counter<L> {
    return new Counter({ name, help, labelNames: [...labelNames], registers: [this.#registry] })
  }

  #gauge<const L extends string>(name: string, help: string, labelNames: readonly L[]): Gauge<L> {
    return new Gauge({ name, help, labelNames: [...labelNames], registers: [this.#registry] })
  }

  #histogram(name: string, help: string, buckets: readonly number[]): Histogram {
    return new Histogram({ name, help, buckets: [...buckets], registers: [this.#registry] })
  }
}
