import { childText, type Note, referenceTo, textsOf, timesOf, usableId } from './read-values.ts'
import type { XmlElement } from './read-xml.ts'
import type {
  RsDocument,
  RsParam,
  RsParticipantSessionAssociation,
  RsParticipantStreamAssociation,
  RsSessionRecordingAssociation,
} from './rs-document.ts'

type Associations = Pick<
  RsDocument,
  'sessionRecordingAssociations' | 'participantSessionAssociations' | 'participantStreamAssociations'
>
type All = <T>(name: string, read: (element: XmlElement, note: Note) => T | undefined) => readonly T[]

/**
 * The associations of a document (RFC 7865 §6.4, §6.6, §6.8). In drafts a participant named its session and its streams itself; where nothing else is said of it,
 * that counts.
 */
export const readAssociations = (all: All): Associations => {
  const sessions = all('participantsessionassoc', readParticipantSession)
  const streams = all('participantstreamassoc', readParticipantStreams)
  return {
    sessionRecordingAssociations: all('sessionrecordingassoc', readSessionRecording),
    participantSessionAssociations: [...sessions, ...notAmong(sessions, all('participant', readParticipantSession))],
    participantStreamAssociations: [...streams, ...notAmong(streams, all('participant', readOwnStreams))],
  }
}

const notAmong = <T extends { readonly participantId: string }>(
  said: readonly T[],
  more: readonly T[],
): readonly T[] => {
  const known = new Set(said.map(({ participantId }) => participantId))
  return more.filter(({ participantId }) => !known.has(participantId))
}

const readSessionRecording = (element: XmlElement, note: Note): RsSessionRecordingAssociation | undefined => {
  const sessionId = referenceTo(element, 'session')
  if (sessionId === undefined) return without(element, note)
  return { sessionId, ...timesOf(element, note) }
}

const readParticipantSession = (element: XmlElement, note: Note): RsParticipantSessionAssociation | undefined => {
  const participantId = participantOf(element)
  const sessionId = referenceTo(element, 'session')
  if (participantId === undefined || sessionId === undefined) return without(element, note)
  return { participantId, sessionId, ...timesOf(element, note), params: readParams(element) }
}

const readParams = (element: XmlElement): readonly RsParam[] =>
  element.children
    .filter(({ name }) => name === 'param')
    .map((param) => ({
      name: (param.attributes.get('pname') ?? childText(param, 'pname') ?? '').trim(),
      value: (param.attributes.get('pval') ?? childText(param, 'pval') ?? '').trim(),
    }))
    .filter(({ name }) => name !== '')

const readParticipantStreams = (element: XmlElement, note: Note): RsParticipantStreamAssociation | undefined => {
  const participantId = participantOf(element)
  if (participantId === undefined) return without(element, note)
  return {
    participantId,
    send: idsOf(element, 'send'),
    recv: idsOf(element, 'recv'),
    ...timesOf(element, note),
  }
}

/** What a participant of a draft says of its streams; nothing when it says nothing. */
const readOwnStreams = (element: XmlElement, note: Note): RsParticipantStreamAssociation | undefined =>
  element.children.some(({ name }) => name === 'send' || name === 'recv')
    ? readParticipantStreams(element, note)
    : undefined

const participantOf = (element: XmlElement): string | undefined =>
  element.name === 'participant'
    ? (referenceTo(element, 'participant') ?? usableId(element.attributes.get('id')))
    : referenceTo(element, 'participant')

const idsOf = (element: XmlElement, name: string): readonly string[] => [
  ...new Set(
    textsOf(element, name)
      .map(usableId)
      .filter((id) => id !== undefined),
  ),
]

/** A participant is no association unless it says so; an association that names nothing is noted. */
const without = ({ name }: XmlElement, note: Note): undefined => {
  if (name !== 'participant') note(`a ${name} that does not say of what`)
  return undefined
}
