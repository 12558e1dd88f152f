import { describe, expect, it } from 'vitest'
import { type GoldenOffer, goldenOffers, transferMessage } from '../../../test/builders/siprec-offers.ts'
import { applyRsDocument } from '../rs-metadata/apply-rs-document.ts'
import { parseRsMetadata } from '../rs-metadata/parse-rs-metadata.ts'
import type { RsDocument } from '../rs-metadata/rs-document.ts'
import { labelsInOrder, needsSnapshot, sendersOf } from '../rs-metadata/rs-queries.ts'
import { EMPTY_RS_STATE, type RsState } from '../rs-metadata/rs-state.ts'
import { rsUuid } from '../rs-metadata/rs-uuid.ts'
import { parseSdp } from '../sdp/parse-sdp.ts'
import { SipFramer } from '../sip/framer.ts'
import type { SipRequest } from '../sip/message.ts'
import { parseSipMessage } from '../sip/parse-message.ts'
import { checkRequest } from '../sip/required-headers.ts'
import { type InviteParts, metadataOf, readInviteParts, sdpOf } from './invite-parts.ts'

const requestOf = (bytes: Uint8Array): SipRequest => {
  const message = parseSipMessage(bytes)
  if (message.kind !== 'request') throw new Error(JSON.stringify(message))
  return message
}

const partsOf = (bytes: Uint8Array): InviteParts => {
  const parts = readInviteParts(requestOf(bytes))
  if ('reason' in parts) throw new Error(parts.reason)
  return parts
}

const documentOf = (bytes: Uint8Array): RsDocument | undefined => {
  const [metadata] = metadataOf(partsOf(bytes))
  const document = metadata && parseRsMetadata(metadata.body)
  return document && 'reason' in document ? undefined : document
}

const stateOf = (bytes: Uint8Array): RsState => {
  const document = documentOf(bytes)
  return document ? applyRsDocument(EMPTY_RS_STATE, document, 0) : EMPTY_RS_STATE
}

/** Who is in the metadata, as the expectations have it. */
const participantsOf = (state: RsState) =>
  state.participants.map(({ id, nameIds }) => {
    const name = nameIds[0]?.name
    const sends = state.streams.flatMap(({ label }) =>
      label !== undefined && sendersOf(state, label).includes(id) ? [label] : [],
    )
    return { aor: nameIds[0]?.aor, ...(name !== undefined && { name }), sends }
  })

describe.each(goldenOffers.map((offer) => [offer.name, offer] as const))('%s', (_, {
  bytes,
  expected,
}: GoldenOffer) => {
  it('is a request with all that requests must have, as a datagram and in a stream', () => {
    expect(checkRequest(requestOf(bytes))).toBeUndefined()
    const frames = new SipFramer().append(bytes)
    expect(frames.filter(({ kind }) => kind !== 'ping')).toEqual([{ kind: 'message', message: requestOf(bytes) }])
  })

  it('has a session description with the accepted lines', () => {
    const sdp = parseSdp(new TextDecoder().decode(sdpOf(partsOf(bytes))?.body))
    if ('reason' in sdp) throw new Error(sdp.reason)
    for (const { line, label, codec } of expected.streams) {
      expect(sdp.media[line]?.label ?? null).toBe(label)
      expect(sdp.media[line]?.codecs.map(({ name }) => name)).toContain(codec)
    }
  })

  it('tells who takes part, and whose streams come first', () => {
    const state = stateOf(bytes)
    expect(documentOf(bytes)?.dataMode ?? null).toBe(expected.data_mode)
    expect(participantsOf(state)).toEqual(expected.participants)
    expect(labelsInOrder(state)).toEqual(expected.labels_in_order)
    expect(state.sessions.map(({ id }) => [id, rsUuid(id) ?? null])).toEqual(
      expected.session_id === null ? [] : [[expected.session_id, expected.session_uuid]],
    )
  })
})

describe('a session that is held and transferred', () => {
  const stateAfter = (names: readonly string[]): RsState =>
    names.reduce((state, name, index) => {
      const document = documentOf(transferMessage(name, 't'))
      return document ? applyRsDocument(state, document, index * 1000) : state
    }, EMPTY_RS_STATE)
  const nameOf = (state: RsState, label: string) =>
    sendersOf(state, label).map((sender) => state.participants.find(({ id }) => id === sender)?.nameIds[0]?.name)

  it('who is on hold sends nothing, and keeps the place', () => {
    const state = stateAfter(['1-begin', '2-hold'])
    expect([nameOf(state, '1'), nameOf(state, '2')]).toEqual([[], ['First agent']])
    expect(labelsInOrder(state)).toEqual(['1', '2'])
  })

  it('the third participant takes over the second stream', () => {
    const state = stateAfter(['1-begin', '2-hold', '3-transfer'])
    expect([nameOf(state, '1'), nameOf(state, '2')]).toEqual([['Caller'], ['Second agent']])
    expect(labelsInOrder(state)).toEqual(['1', '2'])
    expect([needsSnapshot(state), state.problems]).toEqual([false, []])
  })

  it('an UPDATE with metadata alone changes a name', () => {
    const state = stateAfter(['1-begin', '2-hold', '3-transfer', '4-renamed'])
    expect(nameOf(state, '2')).toEqual(['Second agent, night shift'])
  })
})
