import type { SdpDirection, SdpMedia, SdpSession } from '../sdp/offer.ts'

/** One m-line of the offer, and what becomes of it. */
export interface ExplainedStream {
  /** Its place among all lines, from 1. */
  readonly line: number
  /** `audio`, `video`, … */
  readonly type: string
  readonly label?: string
  /** Encoding names in the order of the offer. */
  readonly offered: readonly string[]
  /** The direction of the offer. */
  readonly direction: SdpDirection
  readonly answered: 'recvonly' | 'inactive' | 'refused'
  /** The codec of the answer; absent when it is refused. */
  readonly codec?: string
  /** `none`, or the crypto suite of the answer (RFC 4568 §6.2); keys are never told. */
  readonly security: string
  /** Why it is refused. */
  readonly refusal?: string
}

const SECURE = /^RTP\/SAVPF?$/i
const PLAIN = /^RTP\/AVPF?$/i
/** What is beside the audio in a line. */
const BESIDE = /^(?:telephone-event|CN)$/i

/** The lines of an offer beside those of the answer to it; without an answer all are refused. */
export const explainStreams = (
  offer: SdpSession,
  answer: SdpSession | undefined,
  { requiresSecureMedia }: { readonly requiresSecureMedia: boolean },
): readonly ExplainedStream[] =>
  offer.media.map((media, index) => {
    const told = {
      line: index + 1,
      type: media.type,
      ...(media.label !== undefined && { label: media.label }),
      offered: namesOf(media),
      direction: media.direction,
    }
    const answered = answer?.media[index]
    if (!answered || answered.port === 0)
      return { ...told, answered: 'refused', security: 'none', refusal: whyRefused(media, requiresSecureMedia) }
    const codec = audioNamesOf(answered)[0]
    return {
      ...told,
      answered: answered.direction === 'inactive' ? 'inactive' : 'recvonly',
      ...(codec !== undefined && { codec }),
      security: answered.crypto[0]?.key.suite ?? 'none',
    }
  })

const namesOf = ({ codecs }: SdpMedia): readonly string[] => codecs.map(({ name }) => name)

const audioNamesOf = (media: SdpMedia): readonly string[] => namesOf(media).filter((name) => !BESIDE.test(name))

const whyRefused = (media: SdpMedia, requiresSecureMedia: boolean): string => {
  const isSecure = SECURE.test(media.protocol)
  if (media.type !== 'audio') return `${media.type} is not recorded`
  if (media.port === 0) return 'the client has ended it (port 0)'
  if (!isSecure && !PLAIN.test(media.protocol)) return `${media.protocol} is not taken`
  if (isSecure && media.crypto.length === 0) return 'none of its a=crypto can be used'
  if (!isSecure && requiresSecureMedia) return 'only SRTP is wanted'
  return whyNoCodec(audioNamesOf(media))
}

const whyNoCodec = (names: readonly string[]): string => {
  if (names.length === 0) return 'it has no codec that is known'
  return `none of its codecs is taken, or there are too many lines: ${names.join(', ')}`
}
