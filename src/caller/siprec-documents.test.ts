import { describe, expect, it } from 'vitest'
import { completeDocument, partialDocument } from './siprec-documents.ts'
import type { SessionAction } from './siprec-events.ts'
import type { SessionOptions } from './siprec-options.ts'
import { initialState, nextState, type SessionState } from './siprec-state.ts'

const BEGUN = '2026-01-02T03:04:05.000Z'
const LATER = '2026-01-02T03:05:05.000Z'
const OPTIONS: SessionOptions = { durationMs: 1000, sipSessionId: 'a;remote=b' }

const after = (state: SessionState, ...actions: readonly SessionAction[]): SessionState =>
  actions.reduce((each, action) => nextState(each, action, { options: OPTIONS, at: LATER }), state)

const ids = ({ streams, participants, communication }: SessionState) => ({
  streams: streams.map(({ id }) => id),
  participants: participants.map(({ id }) => id),
  session: communication?.id ?? '',
})

/** What is told of a change of a session of two. */
const told = (...actions: readonly SessionAction[]) => {
  const before = initialState(OPTIONS, BEGUN)
  const now = after(before, ...actions)
  return { ...ids(now), document: partialDocument(before, now, OPTIONS, LATER) }
}

describe('a session of two', () => {
  it('is told in full', () => {
    const state = initialState(OPTIONS, BEGUN)
    const { streams, participants, session } = ids(state)
    expect(completeDocument(state, OPTIONS)).toEqual({
      dataMode: 'complete',
      sessions: [{ id: session, sipSessionId: 'a;remote=b', startTime: BEGUN }],
      participants: [
        { id: participants[0], aor: 'sip:participant1@example.com', name: 'Participant 1' },
        { id: participants[1], aor: 'sip:participant2@example.com', name: 'Participant 2' },
      ],
      streams: [
        { id: streams[0], sessionId: session, label: '1' },
        { id: streams[1], sessionId: session, label: '2' },
      ],
      sessionRecordings: [{ sessionId: session, from: BEGUN }],
      participantSessions: participants.map((participantId) => ({ participantId, sessionId: session, from: BEGUN })),
      participantStreams: [
        { participantId: participants[0], sends: [streams[0]], receives: [streams[1]] },
        { participantId: participants[1], sends: [streams[1]], receives: [streams[0]] },
      ],
    })
    expect(new Set([...streams, ...participants, session]).size).toBe(5)
  })

  it('on hold sends nothing that is held', () => {
    const { document, participants, streams } = told({ kind: 'hold', streams: [1] })
    expect(document).toMatchObject({ dataMode: 'partial', sessions: [], participants: [], streams: [] })
    expect(document.participantStreams).toEqual([
      { participantId: participants[0], sends: [streams[0]], receives: [] },
      { participantId: participants[1], sends: [], receives: [streams[0]] },
    ])
    expect(told({ kind: 'hold' }, { kind: 'resume' }).document.participantStreams).toEqual([])
  })

  it('whose second participant is transferred has a third on the same stream', () => {
    const { document, participants, streams, session } = told({
      kind: 'transfer',
      leaves: 1,
      joins: { aor: 'sip:c@example.com' },
    })
    expect(document).toMatchObject({ participants: [{ id: participants[2], aor: 'sip:c@example.com' }], streams: [] })
    expect(document.participantSessions).toEqual([
      { participantId: participants[1], sessionId: session, from: BEGUN, to: LATER },
      { participantId: participants[2], sessionId: session, from: LATER },
    ])
    expect(document.participantStreams).toEqual([
      { participantId: participants[2], sends: [streams[1]], receives: [streams[0]] },
    ])
  })

  it('whose second participant is transferred to a line of its own has another stream in place of the old', () => {
    const { document, participants, streams, session } = told({
      kind: 'transfer',
      leaves: 1,
      joins: { aor: 'sip:c@example.com' },
      newStream: { codecs: ['PCMA'] },
    })
    expect(document.streams).toEqual([{ id: streams[2], sessionId: session, label: '3' }])
    expect(document.participantStreams).toEqual([
      { participantId: participants[0], sends: [streams[0]], receives: [streams[2]] },
      { participantId: participants[2], sends: [streams[2]], receives: [streams[0]] },
    ])
  })

  it('is told of who joins, leaves, and is called otherwise', () => {
    const joined = told({ kind: 'join', participant: { aor: 'sip:c@example.com' }, stream: {} })
    expect(joined.document.participantStreams).toHaveLength(3)
    expect(joined.document.streams).toMatchObject([{ label: '3' }])
    const left = told({ kind: 'leave', participant: 0 })
    expect(left.document.participantSessions).toMatchObject([{ participantId: left.participants[0], to: LATER }])
    const renamed = told({ kind: 'metadata', renames: { participant: 1, name: 'Bee' } })
    expect(renamed.document).toMatchObject({ participants: [{ name: 'Bee' }], participantStreams: [] })
  })

  it('ends', () => {
    const { document } = told({ kind: 'end' })
    expect(document).toMatchObject({
      sessions: [{ startTime: BEGUN, stopTime: LATER }],
      sessionRecordings: [{ to: LATER }],
      participantSessions: [{ to: LATER }, { to: LATER }],
    })
  })
})

describe('a persistent recording session', () => {
  it('has nothing to tell until a communication session begins', () => {
    const state = initialState({ ...OPTIONS, isPersistent: true }, BEGUN)
    expect(completeDocument(state, OPTIONS)).toMatchObject({ sessions: [], participants: [], streams: [] })
    const begun = after(state, { kind: 'begin' })
    expect(completeDocument(begun, OPTIONS)).toMatchObject({ sessions: [{ startTime: LATER }] })
    expect(partialDocument(state, begun, OPTIONS, LATER).participantStreams).toHaveLength(2)
  })
})

describe('who stands where', () => {
  it('is said by positions: streams need not be in the order of participants', () => {
    const participants = [
      { aor: 'sip:a@example.com', streams: [1] },
      { aor: 'sip:b@example.com', streams: [0] },
    ]
    const state = initialState({ ...OPTIONS, participants }, BEGUN)
    const [first, second] = ids(state).streams
    expect(completeDocument(state, OPTIONS).participantStreams).toMatchObject([{ sends: [second] }, { sends: [first] }])
  })

  it('one mixed stream is sent by all', () => {
    const participants = [0, 1].map((each) => ({ aor: `sip:${each}@example.com`, streams: [0] }))
    const state = initialState({ ...OPTIONS, streams: [{}], participants }, BEGUN)
    const [stream] = ids(state).streams
    expect(completeDocument(state, OPTIONS).participantStreams).toMatchObject([
      { sends: [stream], receives: [] },
      { sends: [stream], receives: [] },
    ])
  })

  it.each([
    ['a stream', { kind: 'hold', streams: [2] }],
    ['a participant', { kind: 'leave', participant: 2 }],
  ] as const)('%s that is none is refused', (_what, action) => {
    expect(() => after(initialState(OPTIONS, BEGUN), action)).toThrow(expect.objectContaining({ code: 'CALL_INVALID' }))
  })
})
