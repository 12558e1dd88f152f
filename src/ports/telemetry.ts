/** An HTTP request that has been answered. The route is its pattern, never its path, which may carry a secret. */
export interface RequestReport {
  readonly requestId: string
  readonly projectId: string | undefined
  readonly method: string
  readonly route: string
  readonly status: number
  readonly ms: number
}

/** How far what has landed on this node's disk is behind on its way to the shared media store. */
export interface SpoolState {
  /** Objects known to wait; not all are, when they are very many. */
  readonly waiting: number
  /** How long the first of them has waited. */
  readonly oldestMs: number
  /** True when the shared media store, or the catalogue, did not answer when it was last asked. */
  readonly isAway: boolean
}

/** What one sweep of a media store (this node's own, or the one that nodes share) removed, and how many objects without a row it let be for now. */
export interface Swept {
  readonly store: 'local' | 'shared'
  readonly orphans: number
  readonly unfinished: number
  readonly kept: number
}

/**
 * What services report for operators. Implementations never throw and never block; every name is listed in
 * docs/reference/metrics.md.
 */
export interface Telemetry {
  uploadEnded(outcome: 'stored' | 'repeated' | 'rejected' | 'failed', byteSize: number): void
  derivationEnded(outcome: 'derived' | 'cached' | 'failed', format: string): void
  catalogueWrite(seconds: number, batchSize: number): void
  /** A recording's bytes went from this node's disk to the shared media store. */
  mediaMoved(byteSize: number, seconds: number): void
  /** They could not be; it is tried again. */
  mediaNotMoved(code: string): void
  sweepEnded(swept: Swept): void
}

/** For who reports to nobody: the command line, benches. */
export const NO_TELEMETRY: Telemetry = {
  uploadEnded() {},
  derivationEnded() {},
  catalogueWrite() {},
  mediaMoved() {},
  mediaNotMoved() {},
  sweepEnded() {},
}
