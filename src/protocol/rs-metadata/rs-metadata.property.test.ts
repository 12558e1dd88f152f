import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  aCallBetweenTwo,
  aParticipant,
  aSession,
  aStream,
  contributes,
  recorded,
  rsXml,
  takesPart,
} from '../../../test/builders/rs-metadata.ts'
import { applyRsDocument, KEPT_MAX } from './apply-rs-document.ts'
import { parseRsMetadata } from './parse-rs-metadata.ts'
import { PROBLEMS_MAX } from './rs-document.ts'
import { activeSessions, labelsInOrder, sendersOf } from './rs-queries.ts'
import { EMPTY_RS_STATE, type RsSpell, type RsState } from './rs-state.ts'

const SOUND = rsXml(aCallBetweenTwo())

/** What is done to bytes: some are replaced, a piece is cut out or said twice. */
const aMutation = fc.record({
  at: fc.nat({ max: SOUND.length }),
  kind: fc.constantFrom('replace', 'cut', 'double'),
  bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }),
  length: fc.nat({ max: 200 }),
})
type Mutation = typeof aMutation extends fc.Arbitrary<infer T> ? T : never

const mutate = (bytes: Uint8Array, { at, kind, bytes: others, length }: Mutation): Uint8Array => {
  const [head, piece, tail] = [bytes.subarray(0, at), bytes.subarray(at, at + length), bytes.subarray(at + length)]
  if (kind === 'cut') return Buffer.concat([head, tail])
  if (kind === 'double') return Buffer.concat([head, piece, piece, tail])
  return Buffer.concat([head, others, bytes.subarray(at + others.length)])
}

const apply = (state: RsState, bytes: Uint8Array, atMs: number): RsState => {
  const document = parseRsMetadata(bytes)
  return 'reason' in document ? state : applyRsDocument(state, document, atMs)
}

/** Any text, also one that is no Unicode. */
const anyText = (maxLength: number) =>
  fc.array(fc.nat({ max: 0xffff }), { maxLength }).map((codes) => String.fromCharCode(...codes))

/** Small worlds, so that documents meet each other's things. */
const anId = fc.constantFrom('a', 'b', 'c', 'd')
const aTime = fc.option(
  fc.nat({ max: 100 }).map((seconds) => new Date(1_800_000_000_000 + seconds * 1000).toISOString()),
  { nil: undefined },
)
const times = fc
  .record({ from: aTime, to: aTime })
  .map(({ from, to }) => ({ ...(from !== undefined && { from }), ...(to !== undefined && { to }) }))
const streamIds = fc.array(anId, { maxLength: 3 })
const anElement = fc.oneof(
  fc.tuple(anId, aTime).map(([id, time]) => aSession(id, time === undefined ? '' : `<stop-time>${time}</stop-time>`)),
  anId.map((id) => aParticipant(id, `sip:${id}@example.com`, id)),
  fc.tuple(anId, anId).map(([id, session]) => aStream(id, session, `label ${id}`)),
  fc.tuple(anId, times).map(([session, when]) => recorded(session, when)),
  fc.tuple(anId, anId, times).map(([participant, session, when]) => takesPart(participant, session, when)),
  fc
    .tuple(anId, streamIds, streamIds, times)
    .map(([participant, send, recv, when]) => contributes(participant, { send, recv, ...when })),
)
const aDocument = fc.record({
  mode: fc.constantFrom('complete' as const, 'partial' as const),
  elements: fc.array(anElement, { maxLength: 12 }),
  afterMs: fc.nat({ max: 20_000 }),
})

const spellsOf = (state: RsState): readonly (readonly [kind: string, key: string, spell: RsSpell])[] => [
  ...state.attendances.map((each) => ['attendance', `${each.participantId} ${each.sessionId}`, each] as const),
  ...state.contributions.map(
    (each) => ['contribution', `${each.participantId} ${each.streamId} ${each.direction}`, each] as const,
  ),
  ...state.sessionRecordings.map((each) => ['recording', each.sessionId, each] as const),
]

/** What holds of every state, whatever was said. */
const expectSound = (state: RsState): void => {
  const endOf = new Map<string, number>()
  for (const [kind, key, { fromMs, toMs }] of spellsOf(state)) {
    const before = endOf.get(`${kind} ${key}`) ?? Number.NEGATIVE_INFINITY
    expect(fromMs, 'spells of one thing follow each other').toBeGreaterThanOrEqual(before)
    expect(toMs ?? fromMs, 'and end after they began').toBeGreaterThanOrEqual(fromMs)
    endOf.set(`${kind} ${key}`, toMs ?? Number.POSITIVE_INFINITY)
  }
  for (const kind of ['sessions', 'participants', 'streams', 'groups'] as const)
    expect(new Set(state[kind].map(({ id }) => id)).size).toBe(state[kind].length)
  for (const kind of Object.keys(KEPT_MAX) as (keyof typeof KEPT_MAX)[])
    expect(state[kind].length).toBeLessThanOrEqual(KEPT_MAX[kind])
  expect(state.problems.length).toBeLessThanOrEqual(PROBLEMS_MAX)
  const labels = labelsInOrder(state)
  const current = state.streams.flatMap(({ label, toMs }) => (toMs === undefined && label ? [label] : []))
  expect(new Set(labels)).toEqual(new Set(current))
  expect(labels.length).toBe(new Set(labels).size)
  for (const label of labels) sendersOf(state, label)
  expect(activeSessions(state).every(({ toMs }) => toMs === undefined)).toBe(true)
}

describe('metadata', () => {
  it('may be any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (bytes, isMarked) => {
        parseRsMetadata(isMarked ? Buffer.concat([Buffer.from('<recording>'), bytes]) : bytes)
      }),
      { numRuns: 2000 },
    )
  })

  it('may be any text', () => {
    fc.assert(
      fc.property(anyText(300), (text) => {
        const parsed = parseRsMetadata(new TextEncoder().encode(`<recording>${text}</recording>`))
        if ('reason' in parsed) expect(parsed.reason).toMatch(/^[^\r\n]{1,160}$/)
      }),
      { numRuns: 2000 },
    )
  })

  it('may be spoilt', () => {
    fc.assert(
      fc.property(fc.array(aMutation, { minLength: 1, maxLength: 4 }), fc.nat(), (mutations, atMs) => {
        const spoilt = mutations.reduce(mutate, SOUND)
        expectSound(apply(apply(EMPTY_RS_STATE, SOUND, 0), spoilt, atMs))
        expectSound(apply(EMPTY_RS_STATE, spoilt, atMs))
      }),
      { numRuns: 1000 },
    )
  })

  it('may say what it wants: spells of one thing follow each other, and nothing grows without end', () => {
    fc.assert(
      fc.property(fc.array(aDocument, { maxLength: 12 }), (documents) => {
        let [state, atMs] = [EMPTY_RS_STATE, 1_800_000_000_000]
        for (const { mode, elements, afterMs } of documents) {
          atMs += afterMs
          state = apply(state, rsXml(elements, mode), atMs)
          expectSound(state)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('said twice as a snapshot says nothing new', () => {
    fc.assert(
      fc.property(fc.array(anElement, { maxLength: 12 }), (elements) => {
        const open = elements.map((each) =>
          each.replace(/<disassociate-time>.*?<\/disassociate-time>|<stop-time>.*?<\/stop-time>/g, ''),
        )
        const once = apply(EMPTY_RS_STATE, rsXml(open), 1_800_000_000_000)
        const twice = apply(once, rsXml(open), 1_800_000_001_000)
        expect(twice).toEqual(once)
      }),
    )
  })
})
