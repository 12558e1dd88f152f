import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { aProject } from '../../../test/builders/values.ts'
import {
  aBareLine,
  aBareOffer,
  acceptedOffer,
  aTwoLineOffer,
  CANDIDATE,
  CHROMIUM_OFFER,
  ICE,
} from '../../../test/builders/webrtc-offer.ts'
import { failing, PROJECT_MAX, WhipBench } from '../../../test/builders/whip-bench.ts'
import { unavailable } from '../../../test/fakes/fake-call-recorder.ts'
import { settle } from '../../../test/fakes/fake-timers.ts'
import { FAKE_ANSWER, refusedByTransport } from '../../../test/fakes/fake-webrtc-peers.ts'
import { unauthorized } from '../http/authenticate.ts'
import type { Publication } from './publication.ts'

let bench: WhipBench

beforeEach(() => {
  bench = new WhipBench()
})

describe('publishing', () => {
  it('connects the peer to the port that is recorded, and answers', async () => {
    const { session, answer } = await bench.publish()
    const [rtpPort] = bench.recorder.reserved
    const { origin } = bench.peers
    const { ice, fingerprint } = acceptedOffer(CHROMIUM_OFFER)
    expect(bench.peers.living.get(session.parts.id)).toMatchObject({
      ice,
      fingerprint,
      // It offers either, and is to be the active one.
      setup: 'active',
      candidates: [],
      lines: [{ mid: '0', payloadType: 111, ssrcs: [2_059_107_587], rtpPort }],
    })
    expect(bench.lastCall.request).toEqual({
      project: bench.project,
      leg: { type: 'webrtc', id: session.parts.legId },
      track: 'inbound',
      callId: session.parts.legId,
      from: 'Chromium',
      to: 'support',
      startedAtMs: bench.clock.nowMs(),
      wavRateHz: 24_000,
      streams: [
        {
          format: { codec: 'opus', payloadType: 111, clockRateHz: 48_000, channels: 1 },
          eventTypes: [],
          comfortNoiseTypes: [],
          remote: { address: origin.address, rtpPort: origin.port, rtcpPort: origin.port },
          isRtcpMultiplexed: true,
          isHeld: false,
          isFixed: true,
          channel: 0,
        },
      ],
    })
    const said = answer.split('\r\n')
    expect(said).toEqual(expect.arrayContaining([...FAKE_ANSWER.candidates.map((each) => `a=${each}`), 'a=mid:0']))
    expect(said).toContain('a=group:BUNDLE 0')
    expect(said).toContain(`o=poulsen ${bench.clock.nowMs()} 1 IN IP4 0.0.0.0`)
  })

  it('answers a bundle only to who offers one', async () => {
    const { answer } = await bench.publish({ offer: acceptedOffer(aBareOffer([aBareLine('0')])) })
    expect(answer).not.toContain('a=group')
  })

  it('makes a session that nobody can guess, with what its URL and its ETag say', async () => {
    const { session } = await bench.publish()
    const { id, etag, recorded, ...parts } = session.parts
    expect(id).toMatch(/^[0-9a-f]{48}$/)
    expect(etag).toMatch(/^"[0-9a-f]{16}"$/)
    expect(recorded).toBe(bench.lastCall)
    expect(parts).toEqual({
      projectId: bench.project.id,
      legId: expect.any(String),
      endpoint: 'support',
      author: 'me',
      iceUfrag: ICE.ufrag,
      setUpMs: 0,
      answeredAtMs: bench.clock.nowMs(),
    })
    const next = (await bench.publish()).session.parts
    expect([next.id === id, next.etag === etag, next.legId === parts.legId]).toEqual([false, false, false])
  })

  it('records two lines in a channel each, and a line of two channels as such', async () => {
    await bench.publish({ offer: acceptedOffer(aTwoLineOffer()) })
    const ports = [...bench.recorder.reserved]
    expect([...bench.peers.living.values()][0]?.lines.map(({ mid, rtpPort }) => [mid, rtpPort])).toEqual([
      ['left', ports[0]],
      ['right', ports[1]],
    ])
    const { layout, mixRateHz, streams } = bench.lastCall.request
    expect({ layout, mixRateHz }).toEqual({ layout: 'stereo', mixRateHz: 24_000 })
    expect(streams.map(({ channel, format }) => [channel, format.channels])).toEqual([
      [0, 1],
      [1, 1],
    ])
    await bench.publish({ offer: acceptedOffer(aBareOffer([aBareLine('0', ['a=fmtp:111 sprop-stereo=1'])])) })
    expect(bench.lastCall.request.streams[0]?.format.channels).toBe(2)
    expect(bench.lastCall.request).not.toHaveProperty('layout')
  })

  it('belongs to the leg that a token names, with what it says', async () => {
    const [legId, metadata] = [randomUUID(), { agent: 'Zoë' }]
    const { session } = await bench.publish({ legId, metadata })
    expect(session.parts.legId).toBe(legId)
    expect(bench.lastCall.request).toMatchObject({ leg: { id: legId }, callId: legId, publisherMetadata: metadata })
  })

  it('tells one candidate, of the public address, behind a NAT', async () => {
    bench = new WhipBench({ publicAddress: '203.0.113.9' })
    const { answer } = await bench.publish()
    const told = answer.split('\r\n').filter((line) => line.startsWith('a=candidate:'))
    expect(told).toEqual(['a=candidate:1 1 UDP 2114977791 203.0.113.9 8189 typ host'])
  })

  it('uses up what allows it after the peer is answered, and before anything is recorded', async () => {
    const seen: unknown[] = []
    await bench.publish({
      claim: async () => {
        seen.push([bench.peers.living.size, bench.recorder.calls.length])
        return async () => {}
      },
    })
    expect(seen).toEqual([[1, 0]])
  })
})

describe('what allows to publish', () => {
  let free: boolean
  const claim = async () => {
    free = false
    return async () => {
      free = true
    }
  }

  it('is used up by a recording that begins', async () => {
    await bench.publish({ claim })
    expect(free).toBe(false)
  })

  it('is good again, before the refusal is said, when the recording cannot begin', async () => {
    const refusal = unavailable('CAPTURE_DISK_FULL')
    bench.recorder.gates.begin = failing(refusal)
    await expect(bench.publish({ claim })).rejects.toBe(refusal)
    expect(free).toBe(true)
  })

  it('stays used when it cannot be freed, and the refusal is that of the recording', async () => {
    const refusal = unavailable('CATALOGUE_UNAVAILABLE')
    bench.recorder.gates.begin = failing(refusal)
    const unclaim = () => Promise.reject(unavailable('CATALOGUE_UNAVAILABLE'))
    await expect(bench.publish({ claim: async () => unclaim })).rejects.toBe(refusal)
    expect([bench.telemetry.refused, bench.telemetry.sessions]).toEqual([['CATALOGUE_UNAVAILABLE'], [1, 0]])
  })
})

describe('the room of a project', () => {
  it('is taken by so many sessions, and is not that of another', async () => {
    await bench.publish()
    await bench.publish()
    await expect(bench.publish()).rejects.toMatchObject({ code: 'WHIP_BUSY', kind: 'unavailable', retryable: true })
    expect([bench.recorder.calls.length, bench.peers.living.size]).toEqual([2, 2])
    expect(bench.telemetry.refused).toEqual(['WHIP_BUSY'])
    await bench.publish({ project: aProject() })
    expect(bench.telemetry.sessions).toEqual([1, 2, 3])
  })

  it('is taken by those that are being set up', async () => {
    const slow = Promise.withResolvers<void>()
    bench.peers.answering = slow.promise
    const [first, second] = [bench.publish(), bench.publish()]
    await expect(bench.publish()).rejects.toMatchObject({ code: 'WHIP_BUSY' })
    slow.resolve()
    await Promise.all([first, second])
    expect([bench.telemetry.refused, bench.telemetry.sessions]).toEqual([['WHIP_BUSY'], [1, 2]])
  })

  it('is there again when a session has ended, once', async () => {
    const [{ session }] = [await bench.publish(), await bench.publish()]
    await bench.sessions.end(session)
    await bench.sessions.end(session)
    await settle()
    await bench.publish()
    await expect(bench.publish()).rejects.toMatchObject({ code: 'WHIP_BUSY' })
    expect(bench.telemetry.sessions).toEqual([1, 2, 1, 2])
  })

  it.each<[string, string, () => Partial<Publication>]>([
    [
      'there is no port',
      'CAPTURE_BUSY',
      () => {
        bench.recorder.reservationsMax = 0
        return {}
      },
    ],
    [
      'the peer is refused',
      'WEBRTC_REFUSED',
      () => {
        bench.peers.answering = failing(refusedByTransport())
        return {}
      },
    ],
    [
      'the token has been used',
      'UNAUTHORIZED',
      () => ({
        claim: async () => {
          throw unauthorized()
        },
      }),
    ],
    [
      'the recording cannot begin',
      'CATALOGUE_UNAVAILABLE',
      () => {
        bench.recorder.gates.begin = failing(unavailable('CATALOGUE_UNAVAILABLE'))
        return {}
      },
    ],
  ])('is there again when %s, and nothing is left', async (_what, code, breakIt) => {
    const broken = breakIt()
    for (let times = 0; times <= PROJECT_MAX; times += 1)
      await expect(bench.publish(broken)).rejects.toMatchObject({ code })
    expect([bench.recorder.calls, [...bench.recorder.reserved], [...bench.peers.living]]).toEqual([[], [], []])
    expect(bench.telemetry.refused).toEqual([code, code, code])
    expect(bench.telemetry.sessions.at(-1)).toBe(0)
    bench.recorder.reservationsMax = Number.POSITIVE_INFINITY
    bench.recorder.gates = {}
    bench.peers.answering = Promise.resolve()
    await bench.publish()
  })

  it('hears of a fault of ours as such', async () => {
    const fault = new Error('a fault of the test')
    await expect(bench.publish({ claim: () => Promise.reject(fault) })).rejects.toBe(fault)
    expect(bench.telemetry.refused).toEqual(['INTERNAL'])
  })
})

describe('a session', () => {
  it('is found by who made it, and by nobody else', async () => {
    const { session } = await bench.publish()
    expect(bench.sessions.find(session.parts.id, 'me')).toBe(session)
    expect(bench.sessions.find(session.parts.id, 'you')).toBeUndefined()
    expect(bench.sessions.find('x', 'me')).toBeUndefined()
  })

  it('tries the candidates of its offer a second after its answer, if there are any', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout'] })
    try {
      const { session } = await bench.publish()
      await bench.publish({ offer: acceptedOffer(aBareOffer([aBareLine('0')])) })
      await vi.advanceTimersByTimeAsync(999)
      expect(bench.peers.added).toEqual([])
      await vi.advanceTimersByTimeAsync(1)
      const { candidates } = acceptedOffer(CHROMIUM_OFFER)
      expect(bench.peers.added).toEqual([{ id: session.parts.id, candidates }])
    } finally {
      vi.useRealTimers()
    }
  })

  it('takes more candidates', async () => {
    const { session } = await bench.publish()
    await bench.sessions.addCandidates(session, { candidates: [CANDIDATE] })
    expect(bench.peers.added).toEqual([{ id: session.parts.id, candidates: [CANDIDATE] }])
  })
})
