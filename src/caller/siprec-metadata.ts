// The caller's own recording metadata, written apart from the server's reading of it: a mistake there must not hide itself.

/** The communication session (RFC 7865 §6.3). */
export interface SessionElement {
  readonly id: string
  /** Local and remote Session-ID (RFC 7989). */
  readonly sipSessionId?: string
  readonly groupId?: string
  readonly startTime?: string
  readonly stopTime?: string
}

/** Somebody in it (RFC 7865 §6.5). */
export interface ParticipantElement {
  readonly id: string
  readonly aor: string
  readonly name?: string
}

/** A media stream (RFC 7865 §6.7): its label ties it to an m-line. */
export interface StreamElement {
  readonly id: string
  readonly sessionId: string
  readonly label?: string
}

/** From when to when one thing belongs to another (RFC 7865 §6.4, §6.6). */
export interface AssociationElement {
  readonly participantId?: string
  readonly sessionId: string
  readonly from?: string
  readonly to?: string
}

/** Which streams carry what a participant says, and which it hears (RFC 7865 §6.8); on hold neither. */
export interface ParticipantStreamElement {
  readonly participantId: string
  readonly sends: readonly string[]
  readonly receives: readonly string[]
}

/** What a metadata document says. Ids are base64 UUIDs (RFC 7865 §6.10), times RFC 3339. */
export interface MetadataDocument {
  readonly dataMode: 'complete' | 'partial'
  readonly groupId?: string
  readonly sessions: readonly SessionElement[]
  readonly participants: readonly ParticipantElement[]
  readonly streams: readonly StreamElement[]
  readonly sessionRecordings: readonly AssociationElement[]
  readonly participantSessions: readonly AssociationElement[]
  readonly participantStreams: readonly ParticipantStreamElement[]
}

type Attributes = readonly (readonly [name: string, value: string | undefined])[]

const NAMESPACE = 'urn:ietf:params:xml:ns:recording:1'
const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
}

/** A metadata document as XML (RFC 7865 §5.1, its elements in the order of the schema), lines ending in CRLF. */
export const formatMetadata = (document: MetadataDocument): string =>
  [
    '<?xml version="1.0" encoding="UTF-8"?>',
    ...element(
      'recording',
      [['xmlns', NAMESPACE]],
      [
        ...leaf('datamode', document.dataMode),
        ...(document.groupId === undefined ? [] : element('group', [['group_id', document.groupId]], [])),
        ...document.sessions.flatMap(formatSession),
        ...document.participants.flatMap(formatParticipant),
        ...document.streams.flatMap(formatStream),
        ...document.sessionRecordings.flatMap((each) => formatAssociation('sessionrecordingassoc', each)),
        ...document.participantSessions.flatMap((each) => formatAssociation('participantsessionassoc', each)),
        ...document.participantStreams.flatMap(formatParticipantStream),
      ],
    ),
    '',
  ].join('\r\n')

const formatSession = ({ id, sipSessionId, groupId, startTime, stopTime }: SessionElement): readonly string[] =>
  element(
    'session',
    [['session_id', id]],
    [
      ...leaf('sipSessionID', sipSessionId),
      ...leaf('group-ref', groupId),
      ...leaf('start-time', startTime),
      ...leaf('stop-time', stopTime),
    ],
  )

const formatParticipant = ({ id, aor, name }: ParticipantElement): readonly string[] =>
  element('participant', [['participant_id', id]], element('nameID', [['aor', aor]], leaf('name', name)))

const formatStream = ({ id, sessionId, label }: StreamElement): readonly string[] =>
  element(
    'stream',
    [
      ['stream_id', id],
      ['session_id', sessionId],
    ],
    leaf('label', label),
  )

const formatAssociation = (
  name: string,
  { participantId, sessionId, from, to }: AssociationElement,
): readonly string[] =>
  element(
    name,
    [
      ['participant_id', participantId],
      ['session_id', sessionId],
    ],
    [...leaf('associate-time', from), ...leaf('disassociate-time', to)],
  )

const formatParticipantStream = ({ participantId, sends, receives }: ParticipantStreamElement): readonly string[] =>
  element(
    'participantstreamassoc',
    [['participant_id', participantId]],
    [...sends.flatMap((id) => leaf('send', id)), ...receives.flatMap((id) => leaf('recv', id))],
  )

const element = (name: string, attributes: Attributes, inside: readonly string[]): readonly string[] => {
  const written = attributes.filter(([, value]) => value !== undefined)
  const open = [name, ...written.map(([each, value]) => `${each}="${escaped(value ?? '')}"`)].join(' ')
  return inside.length === 0 ? [`<${open}/>`] : [`<${open}>`, ...inside.map((line) => `  ${line}`), `</${name}>`]
}

const leaf = (name: string, text: string | undefined): readonly string[] =>
  text === undefined ? [] : [`<${name}>${escaped(text)}</${name}>`]

const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? character)
