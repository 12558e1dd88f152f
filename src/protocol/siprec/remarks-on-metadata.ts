import type { RsDocument, RsRefusal } from '../rs-metadata/rs-document.ts'
import { labelsInOrder } from '../rs-metadata/rs-queries.ts'
import type { RsState } from '../rs-metadata/rs-state.ts'
import { rsUuid } from '../rs-metadata/rs-uuid.ts'
import type { ExplainedStream } from './explained-streams.ts'
import type { InvitePart } from './invite-parts.ts'
import { type Remark, remark, remarkIf } from './remark.ts'

/** The metadata of an INVITE, and the lines that it speaks of. */
export interface ReadMetadata {
  /** Its parts, the first of which counts. */
  readonly parts: readonly InvitePart[]
  readonly document: RsDocument | RsRefusal | undefined
  readonly state: RsState
  readonly streams: readonly ExplainedStream[]
}

const LEGACY_TYPE = 'application/rs-metadata'
/** No recorder is older. */
const OLD_MS = Date.UTC(2011, 0, 1)
const DRAFT_NAMESPACE = /urn:ietf:params:xml:ns:(?:recording|siprec)["']/
const SCHEME = /^[a-z][a-z0-9+.-]*:/i

/** What is unusual about the metadata of a recording session. */
export const remarksOnMetadata = ({ parts, document, state, streams }: ReadMetadata): readonly Remark[] => {
  const [first] = parts
  if (!first || !document) return [remark('no_metadata', 'There is no recording metadata.')]
  const about = [
    ...remarkIf(first.type === LEGACY_TYPE, 'legacy_type', () => `The metadata is called ${LEGACY_TYPE}.`),
    ...remarkIf(parts.length > 1, 'metadata_twice', () => `There are ${parts.length} parts of metadata.`),
  ]
  if ('reason' in document)
    return [...about, remark('metadata_unreadable', `The metadata cannot be read: ${document.reason}.`)]
  return [
    ...about,
    ...document.problems.map((problem) => remark('metadata_flawed', `In the metadata: ${problem}.`)),
    ...remarksOnForm(document, new TextDecoder().decode(first.body)),
    ...remarksOnSessions(document),
    ...remarksOnParticipants(document),
    ...remarksOnTies(state, streams),
  ]
}

const remarksOnForm = (document: RsDocument, xml: string): readonly Remark[] => [
  ...remarkIf(
    document.dataMode === 'partial',
    'partial_at_first',
    () => 'The metadata is an update of something that is not known here.',
  ),
  ...remarkIf(DRAFT_NAMESPACE.test(xml), 'old_namespace', () => 'The metadata has a namespace of a draft.'),
  ...remarkIf(
    document.participantStreamAssociations.length > 0 && !/participantstreamassoc/i.test(xml),
    'old_layout',
    () => 'Participants hold their streams themselves.',
  ),
  ...remarkIf(
    document.streams.length > 0 && document.participantStreamAssociations.length === 0,
    'no_associations',
    () => 'Nobody is said to send any stream.',
  ),
]

const remarksOnSessions = ({ sessions }: RsDocument): readonly Remark[] => {
  const times = sessions.flatMap(({ startedAtMs }) => startedAtMs ?? [])
  const strange = sessions.filter(({ id }) => rsUuid(id) === undefined)
  return [
    ...remarkIf(sessions.length === 0, 'no_session', () => 'The metadata has no communication session.'),
    ...remarkIf(
      sessions.length > 1,
      'several_sessions',
      () => `The metadata has ${sessions.length} communication sessions.`,
    ),
    ...strange.map(({ id }) => remark('session_id_no_uuid', `The session's id ${id} is no UUID.`)),
    ...remarkIf(
      times.some((ms) => ms < OLD_MS),
      'old_times',
      () => "The client's clock is wrong: a session begins years ago.",
    ),
  ]
}

const remarksOnParticipants = ({ participants }: RsDocument): readonly Remark[] => {
  const aors = participants.flatMap(({ nameIds }) => nameIds.flatMap(({ aor }) => aor ?? []))
  const bare = aors.filter((aor) => !SCHEME.test(aor))
  return remarkIf(bare.length > 0, 'aor_without_scheme', () => `No URI scheme: ${bare.join(', ')}.`)
}

/** Labels tie streams of the metadata to lines of the session description. */
const remarksOnTies = (state: RsState, streams: readonly ExplainedStream[]): readonly Remark[] => {
  const known = labelsInOrder(state)
  const lines = streams.flatMap(({ label }) => label ?? [])
  const taken = streams.filter(({ answered }) => answered !== 'refused').flatMap(({ label }) => label ?? [])
  const lost = known.filter((label) => !lines.includes(label))
  const nobodys = known.length === 0 ? [] : taken.filter((label) => !known.includes(label))
  const inOrder = known.filter((label) => taken.includes(label))
  return [
    ...lost.map((label) => remark('label_without_line', `No line has the label ${label} of the metadata.`)),
    ...nobodys.map((label) => remark('line_without_stream', `The metadata does not know the label ${label}.`)),
    ...remarkIf(
      inOrder[0] !== undefined && inOrder[0] !== taken[0],
      'lines_in_other_order',
      () => `The first participant is heard on the line labelled ${inOrder[0]}, which is not the first.`,
    ),
  ]
}
