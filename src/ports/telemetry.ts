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
