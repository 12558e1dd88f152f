import type { SdpCodec } from './offer.ts'

/** What we offer for each codec, by encoding name; dynamic payload types as others commonly have them. */
const OFFERED: Readonly<Record<string, SdpCodec>> = {
  pcmu: { payloadType: 0, name: 'PCMU', clockRateHz: 8000, channels: 1, parameters: undefined },
  pcma: { payloadType: 8, name: 'PCMA', clockRateHz: 8000, channels: 1, parameters: undefined },
  g722: { payloadType: 9, name: 'G722', clockRateHz: 8000, channels: 1, parameters: undefined },
  l16: { payloadType: 118, name: 'L16', clockRateHz: 16_000, channels: 1, parameters: undefined },
  opus: { payloadType: 111, name: 'opus', clockRateHz: 48_000, channels: 2, parameters: 'stereo=0;useinbandfec=1' },
}
const L16_RATE_MAX_HZ = 48_000

/** The codec of ours that a peer's codec is, by our name for it; undefined when it is none of `names` or has a shape that we do not take. */
export const ownCodec = (codec: SdpCodec, names: readonly string[]): string | undefined => {
  const name = names.find((each) => each.toLowerCase() === codec.name.toLowerCase())
  if (name === undefined) return undefined
  const { clockRateHz, channels } = codec
  if (name.toLowerCase() === 'l16') return clockRateHz <= L16_RATE_MAX_HZ && channels <= 2 ? name : undefined
  const known = OFFERED[name.toLowerCase()]
  return known && known.clockRateHz === clockRateHz && channels <= known.channels ? name : undefined
}

/** Our codecs as an offer has them. */
export const offeredCodecs = (names: readonly string[]): readonly SdpCodec[] =>
  names.flatMap((name) => OFFERED[name.toLowerCase()] ?? [])

/** What we say of a codec in an answer: for Opus what we would like to receive (RFC 7587 §6.1). */
export const answerParameters = ({ name }: SdpCodec): string | undefined =>
  name.toLowerCase() === 'opus' ? OFFERED.opus?.parameters : undefined

/** True for what is never audio: telephone-event (RFC 4733). */
export const isEvent = ({ name }: SdpCodec): boolean => name.toLowerCase() === 'telephone-event'

/** True for comfort noise (RFC 3389). */
export const isComfortNoise = ({ name }: SdpCodec): boolean => name.toLowerCase() === 'cn'
