import { splitHeaderList } from '../sip/header-list.ts'
import { headerOf } from '../sip/message.ts'
import { parseNameAddr } from '../sip/name-addr.ts'
import { parseVia } from '../sip/via.ts'
import type { InvitePart, InviteParts } from './invite-parts.ts'
import { otherPartsOf } from './invite-parts.ts'
import type { PastedInvite } from './pasted-invite.ts'
import { type Remark, remark, remarkIf } from './remark.ts'

/** Above this a request may not go over UDP where the path's own limit is not known (RFC 3261 §18.1.1). */
const UDP_BYTES_MAX = 1_300

/** What is unusual about the bytes of an INVITE and the way that it came. */
export const remarksOnMessage = ({ request, byteSize, lineEnds, length }: PastedInvite): readonly Remark[] => {
  const to = parseNameAddr(headerOf(request, 'To') ?? '')
  const { verdict, declaredBytes, foundBytes } = length
  const counted = `Content-Length says ${declaredBytes} bytes, there are ${foundBytes}.`
  return [
    ...remarkIf(
      to?.parameters.has('tag') ?? false,
      'within_dialog',
      () => 'The To field has a tag: this INVITE is within a call.',
    ),
    ...remarkIf(
      transportOf(request) === 'UDP' && byteSize > UDP_BYTES_MAX,
      'large_over_udp',
      () => `${byteSize} bytes over UDP, where 1300 are the most that surely fit into a packet.`,
    ),
    ...remarkIf(lineEnds !== 'CRLF' && verdict !== 'line-ends', 'line_feeds', () =>
      lineEnds === 'LF' ? 'Lines end with line feeds only.' : 'Some lines end with line feeds only.',
    ),
    ...remarkIf(
      verdict === 'line-ends',
      'pasted_line_ends',
      () => `Carriage returns were lost on the way here. ${counted}`,
    ),
    ...remarkIf(verdict === 'short', 'body_short', () => counted),
    ...remarkIf(verdict === 'long', 'body_long', () => counted),
    ...remarkIf(
      verdict === 'unreadable',
      'content_length_unreadable',
      () => 'Content-Length is no number, or there are two.',
    ),
  ]
}

/** The transport of the topmost Via: `UDP`, `TCP`, `TLS`; undefined when there is none. */
export const transportOf = (request: PastedInvite['request']): string | undefined => {
  const [topmost] = splitHeaderList(headerOf(request, 'Via') ?? '')
  return topmost === undefined ? undefined : parseVia(topmost)?.transport
}

/** What is unusual about how a body is put together. */
export const remarksOnParts = (parts: InviteParts): readonly Remark[] => [
  ...remarkIf(parts.isNested, 'nested', () => 'A part of the body is a multipart of its own.'),
  ...remarkIf(parts.isUnended, 'no_last_boundary', () => 'The boundary that ends the body is missing.'),
  ...parts.parts.filter(isWrong).map(remarkOnLength),
  ...otherPartsOf(parts).map(remarkOnOther),
]

const isWrong = ({ declaredBytes, body }: InvitePart): boolean =>
  declaredBytes !== undefined && declaredBytes !== body.length

const remarkOnLength = ({ type, declaredBytes, body }: InvitePart): Remark =>
  remark('wrong_part_length', `The part ${type} says that it has ${declaredBytes} bytes, and has ${body.length}.`)

const remarkOnOther = ({ type, isOptional }: InvitePart): Remark =>
  remark(isOptional ? 'other_parts' : 'part_required', `There is a part ${type || 'of no readable type'}.`)
