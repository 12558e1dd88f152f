import { describe, expect, it } from 'vitest'
import {
  aCallBetweenTwo,
  aGroup,
  aParticipant,
  aSession,
  aStream,
  CALL,
  contributes,
  recorded,
  rsId,
  rsUuidText,
  takesPart,
  toldMore,
} from '../../../test/builders/rs-metadata.ts'
import { KEPT_MAX } from './apply-rs-document.ts'
import { PROBLEMS_MAX } from './rs-document.ts'
import { activeSessions, labelsInOrder, needsSnapshot, sendersOf } from './rs-queries.ts'
import { EMPTY_RS_STATE, type RsState } from './rs-state.ts'

const START = Date.UTC(2026, 10, 20, 9)
/** A time of the call, as a document says it. */
const at = (seconds: number): string => new Date(START + seconds * 1000).toISOString()
const ms = (seconds: number): number => START + seconds * 1000

const told = (state: RsState, seconds: number, elements: readonly string[], mode?: 'complete' | 'partial'): RsState =>
  toldMore(state, ms(seconds), elements, mode)
const call = () => told(EMPTY_RS_STATE, 0.5, aCallBetweenTwo(at(0)), 'complete')
const spell = (from: number, to?: number) => ({ fromMs: ms(from), toMs: to === undefined ? undefined : ms(to) })
const sent = (state: RsState, participantId: string) =>
  state.contributions
    .filter((each) => each.participantId === participantId && each.direction === 'send')
    .map(({ streamId, fromMs, toMs }) => ({ streamId, fromMs, toMs }))

describe('a snapshot', () => {
  it('is what is known', () => {
    const state = call()
    expect(state).toMatchObject({
      groups: [{ id: CALL.group, ...spell(0) }],
      sessions: [{ id: CALL.session, groupId: CALL.group, ...spell(0) }],
      participants: [
        { id: CALL.caller, ...spell(0.5) },
        { id: CALL.callee, ...spell(0.5) },
      ],
      streams: [
        { id: CALL.fromCaller, label: '96', ...spell(0.5) },
        { id: CALL.fromCallee, label: '97', ...spell(0.5) },
      ],
      sessionRecordings: [{ sessionId: CALL.session, ...spell(0) }],
      attendances: [
        { participantId: CALL.caller, sessionId: CALL.session, ...spell(0) },
        { participantId: CALL.callee, sessionId: CALL.session, ...spell(0) },
      ],
      contributions: [
        { participantId: CALL.caller, streamId: CALL.fromCaller, direction: 'send', ...spell(0) },
        { participantId: CALL.caller, streamId: CALL.fromCallee, direction: 'recv', ...spell(0) },
        { participantId: CALL.callee, streamId: CALL.fromCallee, direction: 'send', ...spell(0) },
        { participantId: CALL.callee, streamId: CALL.fromCaller, direction: 'recv', ...spell(0) },
      ],
      problems: [],
    })
    expect(needsSnapshot(state)).toBe(false)
  })

  it('once more is the same', () => {
    const state = call()
    expect(told(state, 60, aCallBetweenTwo(at(0)), 'complete')).toEqual(state)
  })

  it('once more with times of its own does not begin anything anew', () => {
    const state = told(call(), 60, aCallBetweenTwo(at(60)), 'complete')
    expect(state.attendances.map(({ fromMs, toMs }) => ({ fromMs, toMs }))).toEqual([spell(0), spell(0)])
    expect(sent(state, CALL.caller)).toEqual([{ streamId: CALL.fromCaller, ...spell(0) }])
  })

  it('ends what it no longer has, and keeps it as history', () => {
    const [group, session, caller, , stream] = aCallBetweenTwo(at(0)) as string[]
    const state = told(
      call(),
      30,
      [`${group}${session}${caller}${stream}`, takesPart(CALL.caller, CALL.session)],
      'complete',
    )
    expect(state.participants).toMatchObject([
      { id: CALL.caller, toMs: undefined },
      { id: CALL.callee, ...spell(0.5, 30) },
    ])
    expect(state.attendances).toMatchObject([spell(0), spell(0, 30)])
    expect(sent(state, CALL.caller)).toEqual([{ streamId: CALL.fromCaller, ...spell(0, 30) }])
    expect(labelsInOrder(state)).toEqual(['96'])
    expect(sendersOf(state, '96')).toEqual([])
  })

  it('gives its order to participants', () => {
    const [, , caller, callee] = aCallBetweenTwo(at(0)) as string[]
    const rest = aCallBetweenTwo(at(0)).filter((element) => !/^<participant /.test(element))
    const state = told(call(), 30, [`${callee}${caller}`, ...rest], 'complete')
    expect(labelsInOrder(state)).toEqual(['97', '96'])
  })
})

describe('a partial update', () => {
  it('leaves what it does not speak of', () => {
    const state = call()
    expect(told(state, 10, [])).toEqual(state)
  })

  it('changes by id, and only what it says (RFC 7866 §9.2)', () => {
    const named = told(call(), 10, [aParticipant(CALL.callee, 'sip:bea@example.com', 'Bea')])
    expect(named.participants.map(({ nameIds }) => nameIds[0]?.name)).toEqual(['Anna', 'Bea'])
    const reason = told(named, 11, [aSession(CALL.session, '<reason>SIP;cause=200</reason>')])
    expect(reason.sessions).toMatchObject([{ groupId: CALL.group, reason: 'SIP;cause=200', ...spell(0) }])
    const labelled = told(reason, 12, [`<stream stream_id="${CALL.fromCaller}"><label>a</label></stream>`])
    expect(labelled.streams[0]).toMatchObject({ sessionId: CALL.session, label: 'a', ...spell(0.5) })
    expect(labelled.attendances).toEqual(call().attendances)
  })

  it('puts a caller on hold and takes it back (RFC 7865 §6.8)', () => {
    const held = told(call(), 10, [contributes(CALL.caller, { recv: [CALL.fromCallee], from: at(0) })])
    expect(sent(held, CALL.caller)).toEqual([{ streamId: CALL.fromCaller, ...spell(0, 10) }])
    expect([labelsInOrder(held), sendersOf(held, '96'), sendersOf(held, '97')]).toEqual([
      ['96', '97'],
      [],
      [CALL.callee],
    ])
    const back = told(held, 20, [
      contributes(CALL.caller, { send: [CALL.fromCaller], recv: [CALL.fromCallee], from: at(0) }),
    ])
    expect(sent(back, CALL.caller)).toEqual([
      { streamId: CALL.fromCaller, ...spell(0, 10) },
      { streamId: CALL.fromCaller, ...spell(20) },
    ])
    expect(sendersOf(back, '96')).toEqual([CALL.caller])
    expect(back.problems).toEqual([])
  })

  it('puts everybody on hold by a snapshot', () => {
    const elements = aCallBetweenTwo(at(0)).filter((element) => !element.startsWith('<participantstreamassoc'))
    const held = told(call(), 10, [...elements, contributes(CALL.caller, {}), contributes(CALL.callee, {})], 'complete')
    expect(held.contributions.every(({ toMs }) => toMs === ms(10))).toBe(true)
    expect(labelsInOrder(held)).toEqual(['96', '97'])
  })

  it('brings a third participant with a stream of its own', () => {
    const [third, fromThird] = [rsId(13), rsId(23)]
    const state = told(call(), 10, [
      aParticipant(third, 'sip:carla@example.com', 'Carla'),
      aStream(fromThird, CALL.session, '98'),
      takesPart(third, CALL.session, { from: at(9) }),
      contributes(third, { send: [fromThird], recv: [CALL.fromCaller, CALL.fromCallee], from: at(9) }),
      contributes(CALL.caller, { send: [CALL.fromCaller], recv: [CALL.fromCallee, fromThird] }),
    ])
    expect(labelsInOrder(state)).toEqual(['96', '97', '98'])
    expect(sendersOf(state, '98')).toEqual([third])
    expect(state.attendances[2]).toMatchObject({ participantId: third, ...spell(9) })
    expect(sent(state, CALL.caller)).toEqual([{ streamId: CALL.fromCaller, ...spell(0) }])
    expect(state.contributions.at(-1)).toEqual({
      participantId: CALL.caller,
      streamId: fromThird,
      direction: 'recv',
      ...spell(10),
    })
  })

  it('transfers a call: another comes in the place of one that leaves, with the same stream', () => {
    const third = rsId(13)
    const state = told(call(), 30, [
      aParticipant(third, 'sip:carla@example.com', 'Carla'),
      takesPart(CALL.callee, CALL.session, { from: at(0), to: at(28) }),
      takesPart(third, CALL.session, { from: at(29) }),
      contributes(third, { send: [CALL.fromCallee], recv: [CALL.fromCaller], from: at(29) }),
    ])
    expect(state.attendances).toMatchObject([spell(0), spell(0, 28), spell(29)])
    expect(state.participants.map(({ toMs }) => toMs)).toEqual([undefined, ms(28), undefined])
    expect(sent(state, CALL.callee)).toEqual([{ streamId: CALL.fromCallee, ...spell(0, 28) }])
    expect(sent(state, third)).toEqual([{ streamId: CALL.fromCallee, ...spell(29) }])
    expect(sendersOf(state, '97')).toEqual([third])
    expect(labelsInOrder(state)).toEqual(['96', '97'])
  })

  it('lets one come back', () => {
    const gone = told(call(), 30, [takesPart(CALL.callee, CALL.session, { from: at(0), to: at(29) })])
    expect(gone.participants[1]).toMatchObject(spell(0.5, 29))
    const again = told(gone, 31, [takesPart(CALL.callee, CALL.session, { from: at(0), to: at(29) })])
    expect(again).toEqual(gone)
    const back = told(again, 60, [
      aParticipant(CALL.callee, 'sip:bert@example.com', 'Bert'),
      takesPart(CALL.callee, CALL.session, { from: at(58) }),
      contributes(CALL.callee, { send: [CALL.fromCallee] }),
    ])
    expect(back.attendances.slice(1)).toMatchObject([spell(0, 29), spell(58)])
    expect(back.participants[1]?.toMs).toBeUndefined()
    expect(sendersOf(back, '97')).toEqual([CALL.callee])
  })

  it('knows of one that came and went in between', () => {
    const third = rsId(13)
    const state = told(call(), 30, [
      aParticipant(third, 'sip:carla@example.com', 'Carla'),
      takesPart(third, CALL.session, { from: at(10), to: at(20) }),
      takesPart(third, CALL.session, { from: at(25) }),
    ])
    expect(state.attendances.slice(2)).toMatchObject([spell(10, 20), spell(25)])
  })

  it('ends all streams of one that has none any more', () => {
    const state = told(call(), 30, [contributes(CALL.callee, { to: at(29) })])
    expect(state.contributions.map(({ toMs }) => toMs)).toEqual([undefined, undefined, ms(29), ms(29)])
  })

  it('ends with a session all in it', () => {
    const state = told(call(), 30, [aSession(CALL.session, `<stop-time>${at(29)}</stop-time>`)])
    expect(activeSessions(state)).toEqual([])
    const all = [...state.sessions, ...state.attendances, ...state.contributions, ...state.sessionRecordings]
    expect(all.map(({ fromMs, toMs }) => ({ fromMs, toMs }))).toEqual(Array(8).fill(spell(0, 29)))
    expect(labelsInOrder(state)).toEqual([])
    expect(told(state, 31, [aSession(CALL.session)])).toEqual(state)
  })

  it('follows sessions of one recording session, one after the other (RFC 7866 §10)', () => {
    const second = rsId(3)
    const state = told(call(), 30, [
      aSession(second, `<group-ref>${CALL.group}</group-ref>`),
      recorded(CALL.session, { from: at(0), to: at(29) }),
      recorded(second),
    ])
    expect(activeSessions(state).map(({ id }) => id)).toEqual([second])
    expect(state.sessionRecordings).toMatchObject([spell(0, 29), spell(30)])
    expect(state.sessions[0]?.toMs).toBeUndefined()
  })

  it('never ends a thing before it began', () => {
    const state = told(call(), 30, [
      takesPart(CALL.callee, CALL.session, { to: at(-10) }),
      aGroup(CALL.group, { to: at(-10) }),
    ])
    expect(state.attendances[1]).toMatchObject(spell(0, 0))
    expect(state.groups[0]).toMatchObject(spell(0, 0))
  })

  it('does not change the state it is applied to', () => {
    const state = call()
    const before = structuredClone(state)
    told(state, 30, [contributes(CALL.caller, {}), aSession(CALL.session, `<stop-time>${at(29)}</stop-time>`)])
    told(state, 30, [], 'complete')
    expect(state).toEqual(before)
  })
})

describe('what is not known', () => {
  it('is noted, and a snapshot is wanted until it comes (RFC 7866 §9.2)', () => {
    const lost = told(call(), 10, [
      takesPart(rsId(14), rsId(4)),
      contributes(rsId(14), { send: [rsId(24)] }),
      aSession(CALL.session, `<group-ref>${rsId(9)}</group-ref>`),
    ])
    expect(lost.problems).toEqual([
      `a group that is not known: ${rsId(9)}`,
      `a session that is not known: ${rsId(4)}`,
      `a participant that is not known: ${rsId(14)}`,
      `a stream that is not known: ${rsId(24)}`,
    ])
    expect(needsSnapshot(lost)).toBe(true)
    const partly = told(lost, 11, [aParticipant(rsId(14), 'sip:d@example.com', 'Dora')])
    expect(needsSnapshot(partly)).toBe(true)
    const whole = told(partly, 12, aCallBetweenTwo(at(0)), 'complete')
    expect(needsSnapshot(whole)).toBe(false)
  })

  it('is not asked for again when the snapshot did not have it', () => {
    const dangling = contributes(CALL.caller, { send: [rsId(99)] })
    const snapshot = told(EMPTY_RS_STATE, 0, [...aCallBetweenTwo(at(0)), dangling], 'complete')
    expect([snapshot.problems, needsSnapshot(snapshot)]).toEqual([[`a stream that is not known: ${rsId(99)}`], false])
    expect(needsSnapshot(told(snapshot, 1, [dangling]))).toBe(false)
  })

  it('is all, when the first that comes is partial', () => {
    expect(needsSnapshot(EMPTY_RS_STATE)).toBe(false)
    const state = told(EMPTY_RS_STATE, 0, aCallBetweenTwo(at(0)))
    expect([needsSnapshot(state), labelsInOrder(state)]).toEqual([true, ['96', '97']])
  })
})

describe('an id of two things (RFC 7865 §6.10)', () => {
  it('is ignored the second time in a document', () => {
    const state = told(call(), 10, [
      aStream(rsId(30), CALL.session, 'first'),
      aStream(rsId(30), CALL.session, 'second'),
    ])
    expect(state.streams.map(({ label }) => label)).toEqual(['96', '97', 'first'])
    expect(state.problems).toEqual([`an id is used twice; one of the streams is ignored: ${rsId(30)}`])
  })

  it('is ignored where it is that of another kind, whatever its form', () => {
    const both = told(
      EMPTY_RS_STATE,
      0,
      [aSession(rsId(1)), aParticipant(rsUuidText(1), 'sip:a@example.com', 'A')],
      'complete',
    )
    expect([both.sessions, both.participants.length]).toEqual([[], 1])
    const later = told(call(), 10, [aStream(CALL.caller, CALL.session, '99')])
    expect(later.streams).toEqual(call().streams)
    expect(later.problems).toEqual([`an id is used twice; one of the streams is ignored: ${CALL.caller}`])
  })

  it('is nothing but a number to some, who count each kind', () => {
    const state = told(
      EMPTY_RS_STATE,
      0,
      [
        aSession('1'),
        aParticipant('1', 'sip:a@example.com', 'A'),
        aStream('1', '1', 'x'),
        contributes('1', { send: ['1'] }),
      ],
      'complete',
    )
    expect([state.problems, labelsInOrder(state), sendersOf(state, 'x')]).toEqual([[], ['x'], ['1']])
  })
})

describe('bounds', () => {
  it('keep what goes on, and drop what has been over longest', () => {
    let state = call()
    const spells = Array.from({ length: KEPT_MAX.contributions + 500 }, (_, index) =>
      contributes(CALL.caller, { send: [rsId(23)], from: at(index), to: at(index + 1) }),
    )
    for (let done = 0; done < spells.length; done += 500) state = told(state, done, spells.slice(done, done + 500))
    expect(state.contributions).toHaveLength(KEPT_MAX.contributions)
    expect([sendersOf(state, '96'), sendersOf(state, '97')]).toEqual([[CALL.caller], [CALL.callee]])
    expect(state.contributions.slice(0, 5).map(({ toMs }) => toMs === undefined)).toEqual([
      true,
      true,
      true,
      true,
      false,
    ])
    expect(state.contributions.at(-1)).toMatchObject(spell(spells.length - 1, spells.length))
    expect(state.problems).toContain('more contributions than are kept')
  })

  it('hold for what a document makes of what is known', () => {
    const streams = Array.from({ length: 1000 }, (_, index) => `s${index}`)
    const before = told(call(), 1, [contributes(CALL.caller, { send: streams, recv: streams })])
    const goodbyes = Array.from({ length: 1500 }, (_, index) => contributes(CALL.caller, { to: at(10 + index) }))
    const begunMs = performance.now()
    const state = told(before, 5_000, goodbyes)
    expect(performance.now() - begunMs).toBeLessThan(500)
    const left = state.contributions.filter(({ streamId }) => streamId.startsWith('s'))
    expect([left.length, ...new Set(left.map(({ toMs }) => toMs))]).toEqual([2_000, ms(10)])
  })

  it('hold for what a document may have at once', () => {
    const many = Array.from({ length: 2000 }, (_, index) => aStream(`s${index}`, CALL.session, `${index}`))
    const state = told(
      told(call(), 1, many),
      2,
      many.map((each) => each.replaceAll('"s', '"t')),
    )
    expect(state.streams).toHaveLength(KEPT_MAX.streams)
    expect(labelsInOrder(state).slice(0, 2)).toEqual(['96', '97'])
  })

  it('hold for problems', () => {
    let state = call()
    for (let round = 0; round < PROBLEMS_MAX + 10; round += 1) state = told(state, round, [takesPart(`p${round}`, 's')])
    expect(state.problems).toHaveLength(PROBLEMS_MAX)
  })
})
