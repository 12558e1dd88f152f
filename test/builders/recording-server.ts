import { type RemoteLine, readDescription } from '../../src/caller/read-description.ts'
import type { SipBody } from '../../src/caller/session-side.ts'
import { makeRequest, newBranch } from '../../src/caller/sip-text.ts'
import { headerOf, type SipHeaders, type SipRequest } from '../../src/protocol/sip/message.ts'
import type { Script, ScriptedUas } from '../fakes/scripted-uas.ts'

/** How a scripted recording server answers a line. */
export interface AnswerLine {
  readonly port: number
  readonly direction?: string
  /** A whole crypto attribute. */
  readonly crypto?: string
}

/** One part of a body that a client sent. */
export interface BodyPart {
  readonly type: string
  readonly disposition: string | undefined
  readonly text: string
}

/** The parts of a body, in order; one for a body that is not multipart. Line ends may be bare. */
export const partsOf = ({ headers, body }: SipRequest): readonly BodyPart[] => {
  const type = headerOf({ headers }, 'Content-Type') ?? ''
  const text = Buffer.from(body).toString()
  const boundary = /^multipart\/mixed;boundary=(\S+)$/.exec(type)?.[1]
  if (boundary === undefined)
    return text === '' ? [] : [{ type, disposition: headerOf({ headers }, 'Content-Disposition'), text }]
  return text
    .split(new RegExp(`(?:\\r?\\n)?--${boundary}(?:--)?\\r?\\n`))
    .filter((part) => part !== '')
    .map((part) => {
      const [, head = '', content = ''] = /^(.*?)\r?\n\r?\n(.*)$/s.exec(part) ?? []
      const value = (name: string) => new RegExp(`^${name}: (.*?)\\r?$`, 'm').exec(head)?.[1]
      return { type: value('Content-Type') ?? '', disposition: value('Content-Disposition'), text: content }
    })
}

/** The metadata that a request has; undefined without. */
export const metadataIn = (request: SipRequest): string | undefined =>
  partsOf(request).find(({ type }) => type.startsWith('application/rs-metadata'))?.text

/** The lines that a request offers; none without an offer. */
export const linesIn = (request: SipRequest): readonly RemoteLine[] => {
  const sdp = partsOf(request).find(({ type }) => type === 'application/sdp')?.text
  const read = readDescription(sdp?.replace(/\r?\n/g, '\r\n') ?? '')
  return 'lines' in read ? read.lines : []
}

/** What a recording server answers to these lines: the first format and telephone-events of each, `recvonly` or as it was offered, under the label that it came with. */
export const recordingAnswer = (lines: readonly RemoteLine[], lineOf: (position: number) => AnswerLine): string =>
  [
    'v=0',
    'o=srs 1 1 IN IP4 127.0.0.1',
    's=-',
    'c=IN IP4 127.0.0.1',
    't=0 0',
    ...lines.flatMap((line, position) => {
      const { port, direction, crypto } = lineOf(position)
      const types = line.payloadTypes.filter((type, index) => index === 0 || type === 101)
      return [
        `m=audio ${line.rtpPort === 0 ? 0 : port} ${line.protocol} ${types.join(' ')}`,
        ...types.flatMap((type) => (line.maps.has(type) ? [`a=rtpmap:${type} ${line.maps.get(type)}`] : [])),
        ...(line.isMultiplexed ? ['a=rtcp-mux'] : []),
        ...(line.label === undefined ? [] : [`a=label:${line.label}`]),
        ...(crypto === undefined ? [] : [`a=crypto:${crypto}`]),
        `a=${direction ?? (line.direction === 'inactive' ? 'inactive' : 'recvonly')}`,
      ]
    }),
    '',
  ].join('\r\n')

/** The header fields of a recording server's 2xx. */
export const recordingHeaders = (uas: ScriptedUas): SipHeaders => [
  ['Contact', `<sip:srs@127.0.0.1:${uas.port};transport=${uas.transport}>;+sip.srs`],
  ['Allow', 'INVITE, UPDATE'],
]

/** A server that takes every session and every change, each line as `lineOf` says. */
export const recordingServer =
  (lineOf: (position: number) => AnswerLine): Script =>
  (request, uas) => {
    if (request.method === 'ACK') return []
    const lines = linesIn(request)
    const headers = recordingHeaders(uas)
    return [
      uas.respond(request, 200, {
        headers,
        ...(lines.length > 0 && { sdp: recordingAnswer(lines, lineOf) }),
      }),
    ]
  }

/** A request of the server within the dialog of the first INVITE that it got. */
export const serverRequest = (
  uas: ScriptedUas,
  method: string,
  cseq: number,
  { body, headers }: { readonly body?: SipBody; readonly headers?: SipHeaders } = {},
): SipRequest => {
  const invite = uas.received[0] as SipRequest
  return makeRequest({
    method,
    uri: 'sip:caller@127.0.0.1',
    via: `SIP/2.0/UDP 127.0.0.1:${uas.port};branch=${newBranch()}`,
    from: `${headerOf(invite, 'To')};tag=scripted`,
    to: headerOf(invite, 'From') ?? '',
    callId: headerOf(invite, 'Call-ID') ?? '',
    cseq,
    ...(headers && { headers }),
    body,
  })
}

/** A request for a snapshot of the metadata (RFC 7866 §9.2). */
export const snapshotRequest = (uas: ScriptedUas, cseq: number): SipRequest =>
  serverRequest(uas, 'UPDATE', cseq, {
    body: {
      type: 'application/rs-metadata-request',
      text: `<?xml version="1.0"?>\r\n<requestsnapshot xmlns='urn:ietf:params:xml:ns:recording:1'/>\r\n`,
      headers: [['Content-Disposition', 'recording-session']],
    },
  })
