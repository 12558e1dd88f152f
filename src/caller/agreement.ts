import type { CallerCodec } from './caller-codecs.ts'
import type { RemoteLine } from './read-description.ts'
import { readCrypto } from './sdes.ts'
import { CRYPTO_TAG, type LocalMedia, type RemoteSession } from './session-text.ts'

const STATIC_TYPES: ReadonlyMap<number, string> = new Map([
  [0, 'PCMU/8000'],
  [8, 'PCMA/8000'],
  [9, 'G722/8000'],
])

/**
 * What was agreed on: the one codec that the answer to our offer of one stream chose, or why the answer breaks the rules (RFC 3264 §6): as many m-lines as
 * the offer, no format that was not offered, exactly one audio codec, and the one crypto attribute where it was offered (RFC 4568 §5.1.2).
 */
export const agreedCodec = (offered: LocalMedia, answer: RemoteSession): CallerCodec | { readonly reason: string } => {
  if (answer.lineCount !== 1) return { reason: `The answer has ${answer.lineCount} m-lines for one.` }
  if (answer.rtpPort === 0) return { reason: 'The answer refuses the audio.' }
  return agreedLine(offered, answer)
}

/** The same for one m-line of any number; it is not refused. */
export const agreedLine = (offered: LocalMedia, answer: RemoteLine): CallerCodec | { readonly reason: string } => {
  const protocol = offered.srtpKey ? 'RTP/SAVP' : 'RTP/AVP'
  if (answer.protocol !== protocol) return { reason: `The answer has ${answer.protocol} for ${protocol}.` }
  if (answer.isMultiplexed && !offered.isMultiplexed)
    return { reason: 'The answer multiplexes RTCP although nobody offered it.' }
  const wrong = wrongCrypto(offered, answer)
  if (wrong !== undefined) return { reason: wrong }
  const audio = answer.payloadTypes.filter((type) => type !== offered.eventType)
  const chosen = offered.codecs.filter(({ payloadType }) => audio.includes(payloadType))
  const [only] = chosen
  if (!only || audio.length !== 1) return { reason: `The answer has the formats ${answer.payloadTypes.join(' ')}.` }
  const map = answer.maps.get(only.payloadType) ?? STATIC_TYPES.get(only.payloadType)
  if (!isSameCodec(only, map)) return { reason: `The answer says that format ${only.payloadType} is ${map}.` }
  return only
}

const wrongCrypto = ({ srtpKey }: LocalMedia, { cryptos }: RemoteLine): string | undefined => {
  const expected = srtpKey ? 1 : 0
  if (cryptos.length !== expected) return `The answer has ${cryptos.length} crypto attributes, not ${expected}.`
  const [text] = cryptos
  if (!srtpKey || text === undefined) return undefined
  const crypto = readCrypto(text)
  if ('reason' in crypto) return crypto.reason
  if (crypto.tag !== CRYPTO_TAG) return `The answer chose the crypto attribute ${crypto.tag}, which was not offered.`
  return crypto.key.suite === srtpKey.suite ? undefined : `The answer has the suite ${crypto.key.suite}.`
}

const isSameCodec = ({ codec, clockRateHz, channels }: CallerCodec, map: string | undefined): boolean => {
  const [name, rate, count = '1'] = map?.split('/') ?? []
  return name?.toLowerCase() === codec.toLowerCase() && Number(rate) === clockRateHz && Number(count) === channels
}

/** The first codec of an offer of the other side that we have, with the payload type that it has there (RFC 3264 §6.1); undefined when there is none. */
export const chooseCodec = (ours: readonly CallerCodec[], offer: RemoteLine): CallerCodec | undefined => {
  for (const payloadType of offer.payloadTypes) {
    const map = offer.maps.get(payloadType) ?? STATIC_TYPES.get(payloadType)
    const found = ours.find((codec) => isSameCodec(codec, map))
    if (found) return { ...found, payloadType }
  }
  return undefined
}
