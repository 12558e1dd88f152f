import { agreedLine } from './agreement.ts'
import type { CallerCodec } from './caller-codecs.ts'
import { type RemoteLine, readDescription } from './read-description.ts'
import { readCrypto } from './sdes.ts'
import type { Disagreement } from './session-side.ts'
import type { LocalLine } from './session-text.ts'
import type { RemoteLines } from './siprec-outcome.ts'

/** The feature tag of a recording server, as a parameter of the Contact itself and not of its URI (RFC 7866 §6.2). */
const SERVER_TAG = /^[^<]*<[^>]*>.*;\s*\+sip\.srs\s*(?:;|=|$)/i

/** True for the Contact of a recording server. */
export const isServerContact = (contact: string | undefined): boolean => SERVER_TAG.test(contact ?? '')

/**
 * What the answer to an offer of recording streams says, or how it breaks the rules (RFC 3264 §6, RFC 7866 §7.2): as many m-lines, in their order, with their
 * labels, none sent or sent both ways, none active that was not offered so, and no other codec than `before`. A line may be refused with port 0, but not all.
 */
export const judgeAnswer = (
  offered: readonly LocalLine[],
  text: string,
  before: readonly (CallerCodec | undefined)[] = [],
): RemoteLines | Disagreement => {
  const description = readDescription(text)
  if ('reason' in description) return description
  const { lines } = description
  if (lines.length !== offered.length)
    return { reason: `The answer has ${lines.length} m-lines for ${offered.length}.` }
  const codecs: (CallerCodec | undefined)[] = []
  for (const [position, line] of lines.entries()) {
    const codec = judgeLine(offered[position] as LocalLine, line, before[position])
    if (codec && 'reason' in codec) return { reason: `Line ${position + 1}: ${codec.reason}` }
    codecs.push(codec)
  }
  const isRefused = offered.some(({ isRemoved }) => !isRemoved) && codecs.every((codec) => codec === undefined)
  return isRefused ? { reason: 'The answer refuses every stream.' } : { lines, codecs }
}

/** The codec of one line; undefined when it is refused, or was removed. */
const judgeLine = (
  { media, direction, isRemoved = false }: LocalLine,
  answer: RemoteLine,
  before: CallerCodec | undefined,
): CallerCodec | undefined | Disagreement => {
  if (answer.medium !== 'audio') return { reason: `It is ${answer.medium} in the answer.` }
  if (isRemoved && answer.rtpPort !== 0) return { reason: 'It was removed, and the answer has a port for it.' }
  // What a refused line says beside its port does not matter (RFC 3264 §6).
  if (answer.rtpPort === 0) return undefined
  if (answer.label !== media.label) return { reason: `Its label is ${answer.label}, not ${media.label}.` }
  const allowed = direction === 'inactive' ? ['inactive'] : ['recvonly', 'inactive']
  if (!allowed.includes(answer.direction)) return { reason: `It is ${answer.direction} for ${direction}.` }
  const codec = agreedLine(media, answer)
  if ('reason' in codec || !before || before.payloadType === codec.payloadType) return codec
  return { reason: `Its codec was ${before.codec} and is ${codec.codec} now.` }
}

/**
 * What an offer of the server says, or how it breaks the rules (RFC 7866 §7.2): no line more or less, the same labels, nothing that it would send, and one key
 * under RTP/SAVP.
 */
export const judgeOffer = (
  ours: readonly LocalLine[],
  text: string,
  codecs: readonly (CallerCodec | undefined)[],
): RemoteLines | Disagreement => {
  const description = readDescription(text)
  if ('reason' in description) return description
  const { lines } = description
  if (lines.length !== ours.length)
    return { reason: `The offer has ${lines.length} m-lines instead of ${ours.length}.` }
  for (const [position, line] of lines.entries()) {
    const reason = wrongLine(ours[position] as LocalLine, line)
    if (reason !== undefined) return { reason: `Line ${position + 1}: ${reason}` }
  }
  return { lines, codecs: codecs.map((codec, position) => (lines[position]?.rtpPort === 0 ? undefined : codec)) }
}

const wrongLine = ({ media }: LocalLine, offer: RemoteLine): string | undefined => {
  if (offer.rtpPort === 0) return undefined
  if (offer.label !== media.label) return `Its label is ${offer.label}, not ${media.label}.`
  if (offer.direction !== 'recvonly' && offer.direction !== 'inactive') return `It is ${offer.direction}.`
  const protocol = media.srtpKey ? 'RTP/SAVP' : 'RTP/AVP'
  if (offer.protocol !== protocol) return `It has ${offer.protocol} instead of ${protocol}.`
  if (!media.srtpKey) return undefined
  const cryptos = offer.cryptos.map(readCrypto)
  return cryptos.length === 1 && cryptos[0] && 'key' in cryptos[0] ? undefined : 'It has no one key.'
}
