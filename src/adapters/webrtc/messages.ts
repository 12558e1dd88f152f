import type { PeerAnswer, PeerEnd, PeerOffer } from '../../ports/webrtc-peers.ts'

/** Where peers are reached: one UDP port for all of them. */
export interface PeersListen {
  readonly address: string
  /** 0 takes a free one. */
  readonly port: number
}

/** What the transport process is told. Each `connect` and `start` is answered once. */
export type ToTransport =
  | { readonly type: 'start'; readonly listen: PeersListen }
  | { readonly type: 'connect'; readonly ticket: number; readonly id: string; readonly offer: PeerOffer }
  | { readonly type: 'candidates'; readonly id: string; readonly candidates: readonly string[] }
  | { readonly type: 'drop'; readonly id: string }

/** What it says. */
export type FromTransport =
  | { readonly type: 'started'; readonly port: number; readonly originPort: number }
  | { readonly type: 'failed'; readonly message: string }
  | { readonly type: 'connected'; readonly ticket: number; readonly answer: PeerAnswer }
  | { readonly type: 'refused'; readonly ticket: number; readonly message: string }
  | { readonly type: 'ended'; readonly id: string; readonly end: PeerEnd }

/** The address that decrypted packets come from and go to. */
export const LOOPBACK = '127.0.0.1'
