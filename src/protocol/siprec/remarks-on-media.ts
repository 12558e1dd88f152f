import type { SdpMedia, SdpSession } from '../sdp/offer.ts'
import type { ExplainedStream } from './explained-streams.ts'
import { type Remark, remark, remarkIf } from './remark.ts'

/** An offer and what becomes of it. */
export interface ExplainedOffer {
  readonly offer: SdpSession
  readonly streams: readonly ExplainedStream[]
  /** Of the message. */
  readonly transport: string | undefined
}

/** What is unusual about the lines of a recording session's offer. */
export const remarksOnMedia = ({ offer, streams, transport }: ExplainedOffer): readonly Remark[] => {
  const taken = streams.filter(({ answered }) => answered !== 'refused')
  const mediaOf = ({ line }: ExplainedStream): SdpMedia | undefined => offer.media[line - 1]
  const odd = taken.filter((stream) => ((mediaOf(stream)?.port ?? 0) & 1) === 1)
  const codecs = new Set(taken.map(({ codec }) => codec))
  return [
    ...remarksOnLabels(taken),
    ...remarksOnDirections(taken),
    ...remarksOnCount(taken),
    ...remarksOnRefused(streams, offer),
    ...remarkIf(codecs.size > 1, 'different_codecs', () => `The lines use ${[...codecs].join(' and ')}.`),
    ...remarkIf(odd.length > 0, 'odd_port', () => `${linesOf(odd)}: RTP on an odd port.`),
    ...remarkIf(
      transport !== 'TLS' && taken.some(({ security }) => security !== 'none'),
      'keys_in_the_open',
      () => `Keys of media come over ${transport ?? 'an unknown transport'}.`,
    ),
  ]
}

const remarksOnLabels = (taken: readonly ExplainedStream[]): readonly Remark[] => {
  const unnamed = taken.filter(({ label }) => label === undefined)
  const labels = taken.flatMap(({ label }) => label ?? [])
  const twice = new Set(labels.filter((label, index) => labels.indexOf(label) !== index))
  return [
    ...remarkIf(unnamed.length > 0, 'no_labels', () => `${linesOf(unnamed)}: no a=label.`),
    ...[...twice].map((label) => remark('label_twice', `The label ${label} is on several lines.`)),
  ]
}

const remarksOnDirections = (taken: readonly ExplainedStream[]): readonly Remark[] => {
  const inactive = taken.filter(({ direction }) => direction === 'inactive')
  const others = taken.filter(({ direction }) => direction === 'sendrecv' || direction === 'recvonly')
  return [
    ...remarkIf(inactive.length > 0, 'inactive', () => `${linesOf(inactive)}: inactive.`),
    ...remarkIf(others.length > 0, 'not_sendonly', () => `${linesOf(others)}: ${others[0]?.direction}, not sendonly.`),
  ]
}

const remarksOnCount = (taken: readonly ExplainedStream[]): readonly Remark[] => [
  ...remarkIf(taken.length === 1, 'one_stream', () => 'There is one stream for everybody.'),
  ...remarkIf(taken.length > 2, 'many_streams', () => `There are ${taken.length} streams.`),
]

const remarksOnRefused = (streams: readonly ExplainedStream[], offer: SdpSession): readonly Remark[] => {
  const refused = streams.filter(({ answered }) => answered === 'refused')
  const unusable = refused.filter(({ line }) => isSecuredForNothing(offer.media[line - 1]))
  return [
    ...unusable.map(({ line }) =>
      remark('crypto_unusable', `Line ${line}: ${offer.media[line - 1]?.protocol} without usable keys.`),
    ),
    ...remarkIf(refused.length > unusable.length, 'refused_lines', () =>
      refused
        .filter((stream) => !unusable.includes(stream))
        .map(({ line, refusal }) => `Line ${line} is refused: ${refusal}.`)
        .join(' '),
    ),
  ]
}

const isSecuredForNothing = (media: SdpMedia | undefined): boolean =>
  media !== undefined && media.type === 'audio' && /^RTP\/SAVPF?$/i.test(media.protocol) && media.crypto.length === 0

/** `Line 1`, `Lines 1 and 3`. */
const linesOf = (streams: readonly ExplainedStream[]): string =>
  `Line${streams.length === 1 ? '' : 's'} ${streams.map(({ line }) => line).join(' and ')}`
