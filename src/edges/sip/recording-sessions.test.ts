import { describe, expect, it } from 'vitest'
import { aSipCore } from '../../../test/builders/sip-server.ts'
import { aMetadata, aSessionOffer, BOUNDARY, multipart, type OfferedLine } from '../../../test/builders/siprec-text.ts'
import type { PeerCall } from '../../../test/fakes/sip-peer.ts'
import type { Trunk } from '../../domain/trunk.ts'
import { headerOf, type SipHeaders } from '../../protocol/sip/message.ts'
import { legIdOf } from './leg-id.ts'

const SESSION = '3f2504e0-4f89-41d3-9a0c-0305e82c3301'
const SRC: SipHeaders = [
  ['Require', 'siprec'],
  ['Contact', '<sip:src@192.0.2.10:5070>;+sip.src'],
  ['Content-Type', `multipart/mixed;boundary=${BOUNDARY}`],
]
const METADATA = 'application/rs-metadata+xml'
const ALICE_AND_BOB = [
  { name: 'alice', labels: ['1'] },
  { name: 'bob', labels: ['2'] },
]
const TWO: readonly OfferedLine[] = [
  { port: 20_000, label: '1' },
  { port: 20_002, label: '2' },
]

const bodyOf = (lines: readonly OfferedLine[], metadata = aMetadata({ participants: ALICE_AND_BOB })): string =>
  multipart([
    ['application/sdp', aSessionOffer(lines)],
    [METADATA, metadata],
  ])

const textOf = (call: PeerCall): string => new TextDecoder().decode(call.finalOf(call.inviteBranch)?.body)
const answered = (call: PeerCall): readonly string[] =>
  textOf(call)
    .split('\r\n')
    .filter((line) => /^(?:m=|a=label|a=recvonly|a=inactive|a=crypto)/.test(line))

/** A recording session that is up. */
const running = async (parts: { body?: string; headers?: SipHeaders; trunk?: Partial<Trunk> } = {}) => {
  const server = aSipCore({ trunk: parts.trunk ?? {} })
  const call = server.aCall()
  call.send('INVITE', { body: parts.body ?? bodyOf(TWO), headers: parts.headers ?? SRC })
  await server.timers.advance(0)
  if ((call.finalOf(call.inviteBranch)?.status ?? 0) < 300) {
    call.learn()
    call.ack()
  }
  return { server, call, recorded: server.recorder.calls[0] }
}

/** Another request of the session. */
const again = async ({ server, call }: Awaited<ReturnType<typeof running>>, method: string, parts: object) => {
  const branch = call.send(method, parts)
  await server.timers.advance(0)
  if (method === 'INVITE') call.ack()
  return branch
}

describe('a recording session (RFC 7866)', () => {
  it('is answered as a recording server answers: every line in its place with its label, recvonly, and +sip.srs', async () => {
    const { call } = await running()
    const final = call.finalOf(call.inviteBranch)
    expect(final?.status).toBe(200)
    expect(headerOf(final ?? { headers: [] }, 'Contact')).toMatch(/>;\+sip\.srs$/)
    expect(answered(call)).toEqual([
      expect.stringMatching(/^m=audio \d+ RTP\/AVP 0$/),
      'a=label:1',
      'a=recvonly',
      expect.stringMatching(/^m=audio \d+ RTP\/AVP 0$/),
      'a=label:2',
      'a=recvonly',
    ])
  })

  it('becomes one recording of both sides, on the leg that its metadata names', async () => {
    const { recorded, call } = await running({ trunk: { legType: 'pstn' } })
    expect(recorded?.request).toMatchObject({
      leg: { type: 'pstn', id: SESSION },
      track: 'both',
      layout: 'stereo',
      callId: call.callId,
      streams: [
        { label: '1', channel: 0, isHeld: false },
        { label: '2', channel: 1, isHeld: false },
      ],
      metadata: { contentType: METADATA },
    })
  })

  it.each([
    ['a UUID in base64', Buffer.from(SESSION.replaceAll('-', ''), 'hex').toString('base64'), SESSION],
    ['no UUID at all', 'call-17@pbx', legIdOf('call-17@pbx')],
  ])('has the leg id of its session when that is %s', async (_kind, session, id) => {
    const { recorded } = await running({ body: bodyOf(TWO, aMetadata({ session, participants: ALICE_AND_BOB })) })
    expect(recorded?.request.leg.id).toBe(id)
  })

  it('has the left channel for who comes first in the metadata, whatever the order of lines', async () => {
    const participants = [...ALICE_AND_BOB].reverse()
    const { recorded } = await running({ body: bodyOf(TWO, aMetadata({ participants })) })
    expect(recorded?.request.streams.map(({ label, channel }) => [label, channel])).toEqual([
      ['1', 1],
      ['2', 0],
    ])
  })

  it.each([
    ['only Require', [['Require', 'siprec']] as SipHeaders, true],
    ['only +sip.src', [['Contact', '<sip:src@192.0.2.10:5070>;+sip.src']] as SipHeaders, true],
    ['only metadata, of the old type', [] as SipHeaders, false],
  ])('is known by %s', async (_sign, headers, isBare) => {
    const body = isBare
      ? aSessionOffer([{ port: 20_000 }, { port: 20_002 }])
      : multipart([
          ['application/rs-metadata', aMetadata({})],
          ['application/sdp', aSessionOffer([{ port: 20_000 }, { port: 20_002 }])],
        ])
    const type = isBare ? 'application/sdp' : `multipart/mixed;boundary=${BOUNDARY}`
    const { call, recorded } = await running({ body, headers: [['Content-Type', type], ...headers] })
    expect(answered(call).filter((line) => line.startsWith('m='))).toHaveLength(2)
    expect(recorded?.request.streams.map(({ channel }) => channel)).toEqual([0, 1])
  })

  it('is no ordinary call of two lines: that has one stream, kept as received', async () => {
    const body = aSessionOffer([{ port: 20_000 }, { port: 20_002 }])
    const { call, recorded } = await running({ body, headers: [['Content-Type', 'application/sdp']] })
    expect(answered(call).filter((line) => line.startsWith('m='))[1]).toBe('m=audio 0 RTP/AVP 0')
    expect(recorded?.request).not.toHaveProperty('layout')
    expect(headerOf(call.finalOf(call.inviteBranch) ?? { headers: [] }, 'Contact')).not.toContain('sip.srs')
  })

  it('is recorded all the same when its metadata cannot be read, and keeps it as it came', async () => {
    const { recorded } = await running({ body: bodyOf(TWO, '<!DOCTYPE a [<!ENTITY b "c">]><recording>&b;') })
    expect(recorded?.request.streams).toHaveLength(2)
    expect(new TextDecoder().decode(recorded?.request.metadata?.xml)).toContain('<!DOCTYPE')
  })

  it('keeps no metadata for a trunk that wants none, and still knows left from right', async () => {
    const participants = [...ALICE_AND_BOB].reverse()
    const body = bodyOf(TWO, aMetadata({ participants }))
    const { recorded } = await running({ body, trunk: { keepsMetadata: false } })
    expect(recorded?.request).not.toHaveProperty('metadata')
    expect(recorded?.request.streams[1]?.channel).toBe(0)
  })

  it('takes up to eight streams', async () => {
    const lines = Array.from({ length: 10 }, (_, index) => ({ port: 20_000 + 2 * index, label: `${index}` }))
    const { call, recorded } = await running({ body: bodyOf(lines) })
    expect(recorded?.request.streams).toHaveLength(8)
    expect(textOf(call).match(/^m=audio 0 /gm)).toHaveLength(2)
  })
})

describe('within a recording session', () => {
  it('metadata in an UPDATE without a description is kept before it is acknowledged', async () => {
    const session = await running()
    const partial = aMetadata({ dataMode: 'partial', participants: ALICE_AND_BOB })
    const branch = await again(session, 'UPDATE', { body: partial, headers: [['Content-Type', METADATA]] })
    expect(session.call.statusesOf(branch)).toEqual([200])
    expect(session.recorded?.metadata).toHaveLength(1)
  })

  it('hold and resume change no channel and end nothing', async () => {
    const session = await running()
    const held = TWO.map((line) => ({ ...line, direction: 'inactive' }))
    const hold = aMetadata({ participants: ALICE_AND_BOB.map(({ name }) => ({ name, labels: [] })) })
    await again(session, 'INVITE', { body: bodyOf(held, hold), headers: SRC })
    expect(answered(session.call).filter((line) => /inactive/.test(line))).toHaveLength(2)
    await again(session, 'INVITE', { body: bodyOf(TWO), headers: SRC })
    const states = session.recorded?.updates.map((streams) => streams.map(({ isHeld, channel }) => [isHeld, channel]))
    expect(states).toEqual([
      [
        [true, 0],
        [true, 1],
      ],
      [
        [false, 0],
        [false, 1],
      ],
    ])
  })

  it('a third participant joins with a line of its own, on the right', async () => {
    const session = await running()
    const body = bodyOf([...TWO, { port: 20_004, label: '3' }])
    await again(session, 'INVITE', { body, headers: SRC })
    expect(session.recorded?.updates[0]?.map(({ label, channel }) => [label, channel])).toEqual([
      ['1', 0],
      ['2', 1],
      ['3', 1],
    ])
    const ports = answered(session.call).filter((line) => line.startsWith('m='))
    expect(new Set(ports).size).toBe(3)
  })

  it('who takes the place of the first participant is on the left', async () => {
    const session = await running()
    const body = bodyOf([{ port: 0, label: '1' }, TWO[1] as OfferedLine, { port: 20_004, label: '3' }])
    await again(session, 'INVITE', { body, headers: SRC })
    expect(answered(session.call)[0]).toBe('m=audio 0 RTP/AVP 0')
    expect(session.recorded?.updates[0]?.map(({ label, channel, isHeld }) => [label, channel, isHeld])).toEqual([
      ['1', 0, true],
      ['2', 1, false],
      ['3', 0, false],
    ])
  })

  it('a partial update about what is unknown is answered by a request for a snapshot, once', async () => {
    const session = await running()
    const partial = aMetadata({ dataMode: 'partial', session: '' }).replace(
      '</recording>',
      `<participantstreamassoc participant_id="${Buffer.alloc(16, 7).toString('base64')}"><send>${Buffer.alloc(16, 9).toString('base64')}</send></participantstreamassoc></recording>`,
    )
    for (let times = 0; times < 3; times += 1)
      await again(session, 'UPDATE', { body: partial, headers: [['Content-Type', METADATA]] })
    const [asked, ...more] = session.call.requests('UPDATE')
    expect(more).toEqual([])
    expect(headerOf(asked ?? { headers: [] }, 'Content-Type')).toBe(METADATA)
    expect(headerOf(asked ?? { headers: [] }, 'Content-Disposition')).toBe('recording-session')
    expect(new TextDecoder().decode(asked?.body)).toContain('requestsnapshot')
  })

  it('a line that is not taken is refused in its place', async () => {
    const session = await running()
    session.server.recorder.reservationsMax = 0
    const body = bodyOf([...TWO, { port: 20_004, label: '3', formats: '18' }])
    await again(session, 'INVITE', { body, headers: SRC })
    expect(answered(session.call).at(-1)).toBe('m=audio 0 RTP/AVP 18')
  })
})

describe('a persistent recording session (RFC 7866 §10)', () => {
  const quiet = TWO.map((line) => ({ ...line, direction: 'inactive' }))

  it('without a communication session leaves no recording', async () => {
    const session = await running({ body: bodyOf(quiet, aMetadata({ session: '' })) })
    expect(session.call.finalOf(session.call.inviteBranch)?.status).toBe(200)
    expect(session.server.recorder.calls).toEqual([])
    await again(session, 'BYE', {})
    expect(session.server.recorder.reserved.size).toBe(0)
  })

  it('begins to record when one comes, with its leg id and all metadata so far', async () => {
    const session = await running({ body: bodyOf(quiet, aMetadata({ session: '' })) })
    await again(session, 'INVITE', { body: bodyOf(TWO), headers: SRC })
    const [recorded] = session.server.recorder.calls
    expect(recorded?.request.leg.id).toBe(SESSION)
    expect(recorded?.request.metadata).toBeDefined()
    expect(recorded?.metadata).toHaveLength(1)
  })
})

describe('the report of a recording session', () => {
  it('counts the time of its set-up, also when it began to record much later, or never', async () => {
    const quiet = TWO.map((line) => ({ ...line, direction: 'inactive' }))
    for (const begins of [true, false]) {
      const session = await running({ body: bodyOf(quiet, aMetadata({ session: '' })) })
      await session.server.timers.advance(60_000)
      if (begins) await again(session, 'INVITE', { body: bodyOf(TWO), headers: SRC })
      await session.server.timers.advance(1_000)
      await again(session, 'BYE', {})
      expect(session.server.telemetry.reports).toMatchObject([{ setUpMs: 0, durationMs: 61_000 }])
    }
  })

  it('tells when the metadata that came with its BYE could not be kept', async () => {
    const session = await running()
    const fault = new Error('no catalogue')
    session.server.recorder.gates.append = Promise.reject(fault)
    const branch = await again(session, 'BYE', { body: aMetadata({}), headers: [['Content-Type', METADATA]] })
    expect(session.call.statusesOf(branch)).toEqual([200])
    expect(session.server.telemetry.reports).toMatchObject([{ endReason: 'hangup', error: fault }])
  })
})

describe('communication sessions that follow each other in one recording session', () => {
  const OTHER = '00000000-0000-4000-8000-000000000002'
  const inactive = TWO.map((line) => ({ ...line, direction: 'inactive' }))
  const next = aMetadata({ session: OTHER, participants: ALICE_AND_BOB })
  const over = aMetadata({ session: '' })
  const legs = (session: Awaited<ReturnType<typeof running>>) =>
    session.server.recorder.calls.map(({ request, endReason }) => [request.leg.id, endReason])

  it('have a recording each, also when the next comes with the end of the one before', async () => {
    const session = await running()
    await again(session, 'INVITE', { body: bodyOf(TWO, next), headers: SRC })
    expect(legs(session)).toEqual([
      [SESSION, 'hangup'],
      [OTHER, undefined],
    ])
    expect(session.server.recorder.calls[1]?.request.streams.map(({ channel }) => channel)).toEqual([0, 1])
    await again(session, 'BYE', {})
    expect(legs(session)[1]).toEqual([OTHER, 'hangup'])
    expect(session.server.telemetry.reports).toHaveLength(1)
    expect(session.server.recorder.reserved.size).toBe(0)
  })

  it('and when metadata alone tells of it: on the same ports', async () => {
    const session = await running()
    const branch = await again(session, 'UPDATE', { body: next, headers: [['Content-Type', METADATA]] })
    expect(session.call.statusesOf(branch)).toEqual([200])
    expect(legs(session).map(([id]) => id)).toEqual([SESSION, OTHER])
    const [, second] = session.server.recorder.calls
    expect([second?.request.metadata, ...(second?.metadata ?? [])].map((each) => each?.xml.length)).toEqual([
      Buffer.byteLength(next),
    ])
  })

  it('also when the first was named only after it had begun', async () => {
    const session = await running({
      body: aSessionOffer(TWO),
      headers: [...SRC.slice(0, 2), ['Content-Type', 'application/sdp']],
    })
    const told = (body: string) => again(session, 'UPDATE', { body, headers: [['Content-Type', METADATA]] })
    await told(aMetadata({ participants: ALICE_AND_BOB }))
    expect(legs(session)).toEqual([[legIdOf(session.call.callId), undefined]])
    await told(next)
    expect(legs(session)).toEqual([
      [legIdOf(session.call.callId), 'hangup'],
      [OTHER, undefined],
    ])
  })

  it('but not while the first goes on beside another that metadata names before it', async () => {
    const session = await running()
    const both = next.replace(`<session session_id="${OTHER}"/>`, `$&<session session_id="${SESSION}"/>`)
    await again(session, 'UPDATE', { body: both, headers: [['Content-Type', METADATA]] })
    expect(legs(session)).toEqual([[SESSION, undefined]])
    await again(session, 'UPDATE', { body: next, headers: [['Content-Type', METADATA]] })
    expect(legs(session)).toEqual([
      [SESSION, 'hangup'],
      [OTHER, undefined],
    ])
  })

  it('end when nobody is heard any more, and the next begins when somebody is', async () => {
    const session = await running()
    await again(session, 'INVITE', { body: bodyOf(inactive, over), headers: SRC })
    expect(legs(session)).toEqual([[SESSION, 'hangup']])
    await again(session, 'INVITE', { body: bodyOf(TWO, next), headers: SRC })
    expect(legs(session)).toEqual([
      [SESSION, 'hangup'],
      [OTHER, undefined],
    ])
  })

  it('go on when metadata only forgets them while they are heard, and through a hold', async () => {
    const session = await running()
    await again(session, 'UPDATE', { body: over, headers: [['Content-Type', METADATA]] })
    await again(session, 'INVITE', { body: bodyOf(inactive), headers: SRC })
    await again(session, 'INVITE', { body: bodyOf(TWO), headers: SRC })
    expect(legs(session)).toEqual([[SESSION, undefined]])
  })

  it('end the call when the next cannot be recorded', async () => {
    const session = await running()
    session.server.recorder.gates.begin = Promise.reject(new Error('no room'))
    const branch = await again(session, 'UPDATE', { body: next, headers: [['Content-Type', METADATA]] })
    expect(session.call.statusesOf(branch)).toEqual([500])
    expect(session.call.requests('BYE')).toHaveLength(1)
    expect(legs(session)).toEqual([[SESSION, 'hangup']])
  })
})

describe('secured media (RFC 4568)', () => {
  const KEY = Buffer.alloc(30, 7).toString('base64')
  const secure = (key = KEY): readonly OfferedLine[] =>
    TWO.map((line) => ({
      ...line,
      protocol: 'RTP/SAVP',
      attributes: [`a=crypto:4 AES_CM_128_HMAC_SHA1_80 inline:${key}`],
    }))
  const keysOf = (call: PeerCall): readonly string[] => answered(call).filter((line) => line.startsWith('a=crypto'))

  it('is answered with a key of ours for each line; both go to the recorder apart from the plans', async () => {
    const { call, recorded } = await running({ body: bodyOf(secure()) })
    const keys = keysOf(call)
    expect(keys).toHaveLength(2)
    expect(new Set(keys).size).toBe(2)
    expect(keys[0]).toMatch(/^a=crypto:4 AES_CM_128_HMAC_SHA1_80 inline:[A-Za-z0-9+/]{40}$/)
    expect(recorded?.request.security).toHaveLength(2)
    expect(recorded?.request.security?.[0]?.receive.keySalt).toEqual(new Uint8Array(30).fill(7))
    expect(JSON.stringify(recorded?.request.streams)).not.toMatch(/keySalt|inline/)
  })

  it('keeps our key over a re-INVITE, and makes another when the peer does', async () => {
    const session = await running({ body: bodyOf(secure()) })
    const first = keysOf(session.call)
    await again(session, 'INVITE', { body: bodyOf(secure()), headers: SRC })
    expect(keysOf(session.call)).toEqual(first)
    await again(session, 'INVITE', { body: bodyOf(secure(Buffer.alloc(30, 9).toString('base64'))), headers: SRC })
    expect(keysOf(session.call)[0]).not.toBe(first[0])
  })

  it('is all that a trunk takes which demands it', async () => {
    const plain = await running({ trunk: { requiresSecureMedia: true } })
    expect(plain.call.statusesOf(plain.call.inviteBranch)).toContain(488)
    const secured = await running({ body: bodyOf(secure()), trunk: { requiresSecureMedia: true } })
    expect(secured.call.statusesOf(secured.call.inviteBranch)).toContain(200)
  })
})
