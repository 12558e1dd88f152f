import type { MediaFormat } from '../../domain/media-object.ts'

/** What the pool sends to a worker. Chunks of the source come only when the worker asked for one. */
export type ToWorker =
  | {
      readonly type: 'start'
      readonly from: MediaFormat
      readonly to: 'wav' | 'mp3'
      readonly wavRateHz?: number
      readonly isCaptured?: boolean
      readonly isGrowing?: boolean
    }
  | { readonly type: 'chunk'; readonly bytes: Uint8Array }
  | { readonly type: 'end' }
  | { readonly type: 'taken' }

/** What a worker sends to the pool. After `output` it waits for `taken`, so at most one chunk is under way in each direction. */
export type FromWorker =
  | { readonly type: 'wanted' }
  | { readonly type: 'output'; readonly bytes: Uint8Array }
  | { readonly type: 'done'; readonly header?: Uint8Array }
  | { readonly type: 'failed'; readonly message: string }
