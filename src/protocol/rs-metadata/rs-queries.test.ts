import { describe, expect, it } from 'vitest'
import {
  aCallBetweenTwo,
  aParticipant,
  aStream,
  CALL,
  contributes,
  rsId,
  toldMore,
} from '../../../test/builders/rs-metadata.ts'
import { labelsInOrder, sendersOf } from './rs-queries.ts'
import { EMPTY_RS_STATE } from './rs-state.ts'

describe('labelsInOrder and sendersOf', () => {
  it('go by participants, then by streams; what nobody sends is last', () => {
    const state = toldMore(
      EMPTY_RS_STATE,
      0,
      [
        aStream('nobody', 's', 'n'),
        aStream('second', 's', '2'),
        aStream('first', 's', '1'),
        aStream('third', 's', '3'),
        '<stream stream_id="unlabelled" session_id="s"/>',
        aParticipant('b', 'sip:b@example.com', 'B'),
        aParticipant('a', 'sip:a@example.com', 'A'),
        contributes('stranger', { send: ['third'] }),
        contributes('a', { send: ['second'] }),
        contributes('b', { send: ['unlabelled', 'first'] }),
      ],
      'complete',
    )
    expect(labelsInOrder(state)).toEqual(['1', '2', '3', 'n'])
    expect(sendersOf(state, '3')).toEqual(['stranger'])
    expect(sendersOf(state, 'none')).toEqual([])
  })

  it('give who sends nothing from the beginning the stream that nobody sends', () => {
    const elements = [
      aStream('one', 's', '1'),
      aStream('two', 's', '2'),
      aParticipant('a', 'sip:a@example.com', 'A'),
      aParticipant('b', 'sip:b@example.com', 'B'),
      contributes('b', { send: ['two'] }),
    ]
    expect(labelsInOrder(toldMore(EMPTY_RS_STATE, 0, elements, 'complete'))).toEqual(['1', '2'])
  })

  it('know all that send a mix, and put it where the first of them is', () => {
    const mixed = [contributes(CALL.callee, { send: [rsId(40)] }), contributes(CALL.caller, { send: [rsId(40)] })]
    const people = aCallBetweenTwo().filter((element) => /^<(?:participant |session )/.test(element))
    const state = toldMore(EMPTY_RS_STATE, 0, [aStream(rsId(40), CALL.session, 'mix'), ...people, ...mixed], 'complete')
    expect(sendersOf(state, 'mix')).toEqual([CALL.caller, CALL.callee])
    expect(labelsInOrder(state)).toEqual(['mix'])
  })
})
