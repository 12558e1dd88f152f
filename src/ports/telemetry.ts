/** An HTTP request that has been answered. The route is its pattern, never its path, which may carry a secret. */
export interface RequestReport {
  readonly requestId: string
  readonly projectId: string | undefined
  readonly method: string
  readonly route: string
  readonly status: number
  readonly ms: number
}

/**
 * What services report for operators. Implementations never throw and never block; every name is listed in
 * docs/reference/metrics.md.
 */
export interface Telemetry {
  uploadEnded(outcome: 'stored' | 'repeated' | 'rejected' | 'failed', byteSize: number): void
  derivationEnded(outcome: 'derived' | 'cached' | 'failed', format: string): void
  catalogueWrite(seconds: number, batchSize: number): void
  sweepEnded(removed: { readonly orphans: number; readonly unfinished: number }): void
}
