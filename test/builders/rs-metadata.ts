import { applyRsDocument } from '../../src/protocol/rs-metadata/apply-rs-document.ts'
import { parseRsMetadata } from '../../src/protocol/rs-metadata/parse-rs-metadata.ts'
import type { RsState } from '../../src/protocol/rs-metadata/rs-state.ts'

/** Documents of RFC 7865, as a session recording client writes them. */

/** An id as the standard wants it (RFC 7865 §6.10): the base64 of a UUID that is told from others by `number`. */
export const rsId = (number: number): string =>
  Buffer.from(`0192f1c0a6e3742bb15d${number.toString(16).padStart(12, '0')}`, 'hex').toString('base64')

/** The UUID of {@link rsId}. */
export const rsUuidText = (number: number): string => `0192f1c0-a6e3-742b-b15d-${number.toString(16).padStart(12, '0')}`

interface Times {
  readonly from?: string
  readonly to?: string
}

const times = ({ from, to }: Times): string =>
  `${from === undefined ? '' : `<associate-time>${from}</associate-time>`}${
    to === undefined ? '' : `<disassociate-time>${to}</disassociate-time>`
  }`

export const aGroup = (id: string, when: Times = {}): string => `<group group_id="${id}">${times(when)}</group>`

export const aSession = (id: string, inside = ''): string => `<session session_id="${id}">${inside}</session>`

export const aParticipant = (id: string, aor: string, name: string): string =>
  `<participant participant_id="${id}"><nameID aor="${aor}"><name xml:lang="en">${name}</name></nameID></participant>`

export const aStream = (id: string, sessionId: string, label: string): string =>
  `<stream stream_id="${id}" session_id="${sessionId}"><label>${label}</label></stream>`

export const recorded = (sessionId: string, when: Times = {}): string =>
  `<sessionrecordingassoc session_id="${sessionId}">${times(when)}</sessionrecordingassoc>`

export const takesPart = (participantId: string, sessionId: string, when: Times = {}, inside = ''): string =>
  `<participantsessionassoc participant_id="${participantId}" session_id="${sessionId}">${times(when)}${inside}</participantsessionassoc>`

/** All streams that a participant sends and receives. */
export const contributes = (
  participantId: string,
  { send = [], recv = [], ...when }: { readonly send?: readonly string[]; readonly recv?: readonly string[] } & Times,
): string =>
  `<participantstreamassoc participant_id="${participantId}">${send.map((id) => `<send>${id}</send>`).join('')}${recv
    .map((id) => `<recv>${id}</recv>`)
    .join('')}${times(when)}</participantstreamassoc>`

/** A document of these elements. */
export const rsXml = (elements: readonly string[], mode: 'complete' | 'partial' = 'complete'): Uint8Array =>
  new TextEncoder().encode(
    [
      '<?xml version="1.0" encoding="UTF-8"?>',
      '<recording xmlns="urn:ietf:params:xml:ns:recording:1">',
      `<datamode>${mode}</datamode>`,
      ...elements,
      '</recording>',
      '',
    ].join('\r\n'),
  )

/** Ids of the call of {@link aCallBetweenTwo}. */
export const CALL = {
  group: rsId(1),
  session: rsId(2),
  caller: rsId(11),
  callee: rsId(12),
  fromCaller: rsId(21),
  fromCallee: rsId(22),
} as const

/** A call of two, each sending a stream that the other receives; labels `96` and `97`. */
export const aCallBetweenTwo = (from = '2026-11-20T09:00:00Z'): readonly string[] => [
  aGroup(CALL.group, { from }),
  aSession(CALL.session, `<group-ref>${CALL.group}</group-ref><start-time>${from}</start-time>`),
  aParticipant(CALL.caller, 'sip:anna@example.com', 'Anna'),
  aParticipant(CALL.callee, 'sip:bert@example.com', 'Bert'),
  aStream(CALL.fromCaller, CALL.session, '96'),
  aStream(CALL.fromCallee, CALL.session, '97'),
  recorded(CALL.session, { from }),
  takesPart(CALL.caller, CALL.session, { from }),
  takesPart(CALL.callee, CALL.session, { from }),
  contributes(CALL.caller, { send: [CALL.fromCaller], recv: [CALL.fromCallee], from }),
  contributes(CALL.callee, { send: [CALL.fromCallee], recv: [CALL.fromCaller], from }),
]

/** What is known after a document of these elements; throws when it cannot be read. */
export const toldMore = (
  state: RsState,
  receivedAtMs: number,
  elements: readonly string[],
  mode: 'complete' | 'partial' = 'partial',
): RsState => {
  const document = parseRsMetadata(rsXml(elements, mode))
  if ('reason' in document) throw new Error(document.reason)
  return applyRsDocument(state, document, receivedAtMs)
}
