import type { StreamReceiver } from './stream-receiver.ts'
export class ReceiverReports {
  take(_bytes: Uint8Array, _nowMs: number): void {}
  next(_receiver: StreamReceiver, _nowMs: number): Uint8Array | undefined {
    return undefined
  }
}
