import type { SdpCodec } from './offer.ts'

/** What we offer for each codec, by encoding name; dynamic payload types as others commonly have them. */
const OFFERED: Readonly<Record<string, SdpCodec>> = {
  pcmu: { payloadType: 0, name: 'PCMU', clockRateHz: 8000, channels: 1, parameters: undefined },
  pcma: { payloadType: 8, name: 'PCMA', clockRateHz: 8000, channels: 1, parameters: undefined },
  g722: { payloadType: 9, name: 'G722', clockRateHz: 8000, channels: 1, parameters: undefined },
  l16: { payloadType: 118, name: 'L16', clockRateHz: 16_000, channels: 1, parameters: undefined },
  opus: { payloadType: 111, name: 'opus', clockRateHz: 48_000, channels: 2, parameters: 'stereo=0;useinbandfec=1' },
}
const EVENT: SdpCodec = {
  payloadType: 101,
  name: 'telephone-event',
  clockRateHz: 8000,
  channels: 1,
  parameters: '0-15',
}
const L16_RATE_MAX_HZ = 48_000

/** The codec of ours that a peer's codec is, by our name for it; undefined when it is none of `names` or has a shape that we do not take. */
const ownCodec = (codec: SdpCodec, names: readonly string[]): string | undefined => {
  const name = names.find((each) => each.toLowerCase() === codec.name.toLowerCase())
  if (name === undefined) return undefined
  const { clockRateHz, channels } = codec
  if (name.toLowerCase() === 'l16') return clockRateHz <= L16_RATE_MAX_HZ && channels <= 2 ? name : undefined
  const known = OFFERED[name.toLowerCase()]
  return known && known.clockRateHz === clockRateHz && channels <= known.channels ? name : undefined
}

/** Our codecs as an offer has them, with the one telephone-event that every phone knows. */
export const offeredCodecs = (names: readonly string[]): readonly SdpCodec[] => [
  ...names.flatMap((name) => OFFERED[name.toLowerCase()] ?? []),
  EVENT,
]

/** Those of a line's codecs that are among `names`, with the events and comfort noise beside them. */
export const codecsAmong = (codecs: readonly SdpCodec[], names: readonly string[]): readonly SdpCodec[] =>
  codecs.filter((codec) => isEvent(codec) || isComfortNoise(codec) || ownCodec(codec, names) !== undefined)

/** What we say of a codec in an answer: for Opus what we would like to receive (RFC 7587 §6.1). */
export const answerParameters = ({ name }: SdpCodec): string | undefined =>
  name.toLowerCase() === 'opus' ? OFFERED.opus?.parameters : undefined

/** The peer's codec that is used: the first of ours in its order, unless `prefer` names another of ours that it has. */
export const chooseCodec = (
  codecs: readonly SdpCodec[],
  { codecs: names, prefer = [] }: { readonly codecs: readonly string[]; readonly prefer?: readonly string[] },
): { readonly name: string; readonly codec: SdpCodec } | undefined => {
  const taken = codecs.flatMap((codec) => {
    const name = ownCodec(codec, names)
    return name === undefined ? [] : [{ name, codec }]
  })
  const wanted = prefer.map((wish) => taken.find(({ name }) => name.toLowerCase() === wish.toLowerCase()))
  return wanted.find((found) => found) ?? taken[0]
}

/**
 * Events of the audio's clock rate (RFC 4733 §2.1). Many phones offer them at 8000 Hz beside any codec and would send tones in the audio if they were refused:
 * where there are none of the right rate, those are taken.
 */
export const eventTypesOf = (codecs: readonly SdpCodec[], clockRateHz: number): readonly number[] => {
  const events = codecs.filter(isEvent)
  const matching = events.filter((each) => each.clockRateHz === clockRateHz)
  return typesOf(matching.length > 0 ? matching : events)
}

const isEvent = ({ name }: SdpCodec): boolean => name.toLowerCase() === 'telephone-event'

/** Comfort noise of the audio's clock rate (RFC 3389). */
export const comfortNoiseTypesOf = (codecs: readonly SdpCodec[], clockRateHz: number): readonly number[] =>
  typesOf(codecs.filter((each) => isComfortNoise(each) && each.clockRateHz === clockRateHz))

const isComfortNoise = ({ name }: SdpCodec): boolean => name.toLowerCase() === 'cn'

const typesOf = (codecs: readonly SdpCodec[]): readonly number[] => codecs.map(({ payloadType }) => payloadType)

/** Opus always says two (RFC 7587 §7); what comes is one unless the sender says otherwise, and we ask for one. */
export const channelsOf = (name: string, { channels, parameters }: SdpCodec): number => {
  if (name.toLowerCase() !== 'opus') return channels
  return /(?:^|;)\s*sprop-stereo\s*=\s*1\b/.test(parameters ?? '') ? 2 : 1
}

/** True when an answer's codec is this one of an offer. Channels are left out: the 2 of Opus is often forgotten; so are the rates of events, which are never heard. */
export const isSameCodec = (offered: SdpCodec, answered: SdpCodec): boolean =>
  offered.name.toLowerCase() === answered.name.toLowerCase() &&
  (offered.clockRateHz === answered.clockRateHz || isEvent(answered))
