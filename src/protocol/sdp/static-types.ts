import type { SdpCodec } from './offer.ts'

/** Payload types that mean the same everywhere (RFC 3551 §6), those of audio that may be met in a call. */
export const STATIC_TYPES: ReadonlyMap<number, Omit<SdpCodec, 'payloadType' | 'parameters'>> = new Map([
  [0, { name: 'PCMU', clockRateHz: 8000, channels: 1 }],
  [3, { name: 'GSM', clockRateHz: 8000, channels: 1 }],
  [4, { name: 'G723', clockRateHz: 8000, channels: 1 }],
  [8, { name: 'PCMA', clockRateHz: 8000, channels: 1 }],
  [9, { name: 'G722', clockRateHz: 8000, channels: 1 }],
  [10, { name: 'L16', clockRateHz: 44_100, channels: 2 }],
  [11, { name: 'L16', clockRateHz: 44_100, channels: 1 }],
  [13, { name: 'CN', clockRateHz: 8000, channels: 1 }],
  [15, { name: 'G728', clockRateHz: 8000, channels: 1 }],
  [18, { name: 'G729', clockRateHz: 8000, channels: 1 }],
])
