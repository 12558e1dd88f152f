import type { SdpCrypto } from './crypto.ts'

/** One audio codec of an m-line, in the offerer's order. */
export interface SdpCodec {
  readonly payloadType: number
  /** Encoding name as it came (`PCMU`, `telephone-event`, `opus`), static types filled in (RFC 3551 §6). */
  readonly name: string
  readonly clockRateHz: number
  readonly channels: number
  /** `a=fmtp` parameters, as text. */
  readonly parameters: string | undefined
}

export type SdpDirection = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive'

/** One m-line of a session description, in its order; those that are not audio over RTP are kept to be refused with port 0. */
export interface SdpMedia {
  /** `audio`, `video`, `image`, … */
  readonly type: string
  readonly protocol: string
  /** 0: refused or ended. */
  readonly port: number
  readonly rtcpPort: number
  readonly rtcpAddress: string
  /** Connection address, of the m-line or of the session. */
  readonly address: string
  readonly family: 4 | 6
  readonly direction: SdpDirection
  readonly codecs: readonly SdpCodec[]
  readonly isRtcpMultiplexed: boolean
  /** `a=label` (RFC 4574), for session recording. */
  readonly label: string | undefined
  readonly ptimeMs: number | undefined
  /** Those `a=crypto` that we may choose, in their order (RFC 4568); what is not to be taken is left out. Of a line of ours: our keys. */
  readonly crypto: readonly SdpCrypto[]
  /** The formats of the m-line as text, to be repeated when it is refused. */
  readonly formats: string
}

/** A session description: offer or answer. */
export interface SdpSession {
  readonly origin: { readonly username: string; readonly sessionId: string; readonly version: string }
  readonly media: readonly SdpMedia[]
}
