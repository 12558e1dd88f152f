import { readAssociations } from './read-associations.ts'
import type { Note } from './read-values.ts'
import { childText, idOf, referenceTo, textsOf, timeOf, timesOf, usableId } from './read-values.ts'
import type { XmlElement } from './read-xml.ts'
import {
  PROBLEMS_MAX,
  type RsDataMode,
  type RsDocument,
  type RsGroup,
  type RsNameId,
  type RsParticipant,
  type RsSession,
  type RsStream,
} from './rs-document.ts'

/** What a `recording` element says (RFC 7865 §6). What lacks its id is left out and noted. */
export const readRecording = (root: XmlElement): RsDocument => {
  const problems: string[] = []
  const note: Note = (problem) => {
    if (problems.length < PROBLEMS_MAX && !problems.includes(problem)) problems.push(problem)
  }
  const all = <T>(name: string, read: (element: XmlElement, note: Note) => T | undefined): readonly T[] =>
    root.children
      .filter((child) => child.name === name)
      .map((child) => read(child, note))
      .filter((item) => item !== undefined)
  return {
    dataMode: readDataMode(root, note),
    groups: all('group', readGroup),
    sessions: all('session', readSession),
    participants: all('participant', readParticipant),
    streams: all('stream', readStream),
    ...readAssociations(all),
    problems,
  }
}

/** RFC 7865 §5.1.2: complete unless it says partial. */
const readDataMode = (root: XmlElement, note: Note): RsDataMode => {
  const mode = childText(root, 'datamode')?.toLowerCase()
  if (mode !== undefined && mode !== 'complete' && mode !== 'partial') note(`a data mode of another kind: ${mode}`)
  return mode === 'partial' ? 'partial' : 'complete'
}

const readGroup = (element: XmlElement, note: Note): RsGroup | undefined => {
  const id = idOf(element, 'group', note)
  return id === undefined ? undefined : { id, ...timesOf(element, note) }
}

const readSession = (element: XmlElement, note: Note): RsSession | undefined => {
  const id = idOf(element, 'session', note)
  if (id === undefined) return undefined
  const reasons = element.children.filter(({ name }) => name === 'reason').map(reasonOf)
  return {
    id,
    groupId: usableId(childText(element, 'groupref')) ?? referenceTo(element, 'group'),
    // White space may stand around its semicolon.
    sipSessionIds: textsOf(element, 'sipsessionid').map((text) => text.replaceAll(' ', '')),
    reason: reasons.filter((reason) => reason !== '').join(', ') || undefined,
    // Drafts of the standard, which devices still speak, said this with the words of associations.
    startedAtMs: timeOf(element, 'starttime', note) ?? timeOf(element, 'associatetime', note),
    stoppedAtMs: timeOf(element, 'stoptime', note) ?? timeOf(element, 'disassociatetime', note),
  }
}

/** As a Reason header field has it (RFC 3326 §2), from its cause and its words; what has no cause is words alone. */
const reasonOf = ({ attributes, text }: XmlElement): string => {
  const cause = attributes.get('cause')?.trim()
  if (!cause) return text
  const words = text === '' ? '' : `;text="${text.replace(/["\\]/g, '\\$&')}"`
  return `${attributes.get('protocol')?.trim() || 'SIP'};cause=${cause}${words}`
}

const readParticipant = (element: XmlElement, note: Note): RsParticipant | undefined => {
  const id = idOf(element, 'participant', note)
  return id === undefined ? undefined : { id, nameIds: readNameIds(element) }
}

/** Names as the standard has them, or as its drafts had, in the participant itself. */
const readNameIds = (element: XmlElement): readonly RsNameId[] => {
  const nameIds = element.children.filter(({ name }) => name === 'nameid')
  return (nameIds.length > 0 ? nameIds : [element])
    .map((each) => ({ aor: attribute(each, 'aor') ?? childText(each, 'aor'), name: childText(each, 'name') }))
    .filter(({ aor, name }) => aor !== undefined || name !== undefined)
}

const attribute = (element: XmlElement, name: string): string | undefined =>
  element.attributes.get(name)?.trim() || undefined

const readStream = (element: XmlElement, note: Note): RsStream | undefined => {
  const id = idOf(element, 'stream', note)
  if (id === undefined) return undefined
  return {
    id,
    sessionId: referenceTo(element, 'session'),
    label: childText(element, 'label'),
    startedAtMs: timeOf(element, 'starttime', note) ?? timeOf(element, 'associatetime', note),
  }
}
