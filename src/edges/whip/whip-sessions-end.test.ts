import { beforeEach, describe, expect, it, vi } from 'vitest'
import { aProject } from '../../../test/builders/values.ts'
import { failing, WhipBench } from '../../../test/builders/whip-bench.ts'
import { unavailable } from '../../../test/fakes/fake-call-recorder.ts'
import { settle } from '../../../test/fakes/fake-timers.ts'
import { refusedByTransport } from '../../../test/fakes/fake-webrtc-peers.ts'
import type { PeerEnd } from '../../ports/webrtc-peers.ts'

let bench: WhipBench

beforeEach(() => {
  bench = new WhipBench()
})

const REASONS: readonly (readonly [PeerEnd, string])[] = [
  ['closed', 'hangup'],
  ['lost', 'media_timeout'],
  ['broken', 'signalling_lost'],
]

/** The one peer that there is ends. */
const endPeer = (end: PeerEnd): void => {
  const [id] = bench.peers.living.keys()
  if (id === undefined) throw new Error('no peer')
  bench.peers.end(id, end)
}

const claimAsPeerEnds = async () => {
  endPeer('lost')
  return async () => {}
}

describe('the end of a session', () => {
  it.each(REASONS)('whose peer is %s is a %s', async (end, reason) => {
    const { session } = await bench.publish()
    bench.clock.advance(1_500)
    bench.peers.end(session.parts.id, end)
    await settle()
    expect(bench.lastCall.endReason).toBe(reason)
    expect(bench.sessions.find(session.parts.id, 'me')).toBeUndefined()
    expect(bench.telemetry.ended).toEqual([
      {
        recordingId: bench.lastCall.recordingId,
        projectId: bench.project.id,
        legId: session.parts.legId,
        endpoint: 'support',
        endReason: reason,
        setUpMs: 0,
        durationMs: 1_500,
      },
    ])
    expect(bench.telemetry.sessions).toEqual([1, 0])
  })

  it.each(REASONS)('whose peer is %s before its recording has begun is a %s right after', async (end, reason) => {
    const slow = Promise.withResolvers<void>()
    bench.recorder.gates.begin = slow.promise
    const published = bench.publish()
    await settle()
    endPeer(end)
    await settle()
    expect(bench.recorder.calls).toEqual([])
    slow.resolve()
    const { session } = await published
    await settle()
    expect([bench.lastCall.endReason, bench.recorder.reserved.size]).toEqual([reason, 0])
    expect(bench.sessions.find(session.parts.id, 'me')).toBeUndefined()
    expect(bench.telemetry.ended).toMatchObject([{ recordingId: bench.lastCall.recordingId, endReason: reason }])
    expect(bench.telemetry.sessions).toEqual([1, 0])
  })

  it('whose peer is gone when its token is used up has the reason of that, and gives back its room', async () => {
    await bench.publish({ claim: claimAsPeerEnds })
    await settle()
    expect(bench.telemetry.ended).toMatchObject([{ endReason: 'media_timeout' }])
    expect(bench.telemetry.sessions).toEqual([1, 0])
  })

  it('is none when its peer is gone and it cannot begin: the refusal is what counts', async () => {
    const refusal = unavailable('CATALOGUE_UNAVAILABLE')
    bench.recorder.gates.begin = failing(refusal)
    await expect(bench.publish({ claim: claimAsPeerEnds })).rejects.toBe(refusal)
    await settle()
    expect([bench.telemetry.ended, bench.telemetry.refused]).toEqual([[], ['CATALOGUE_UNAVAILABLE']])
    expect([bench.recorder.reserved.size, bench.telemetry.sessions]).toEqual([0, [1, 0]])
  })

  it('that is asked for is a hang-up, and final when it is answered', async () => {
    const { session } = await bench.publish()
    const slow = Promise.withResolvers<void>()
    bench.recorder.gates.end = slow.promise
    let isFinal = false
    const ended = bench.sessions.end(session).then(() => {
      isFinal = true
    })
    await settle()
    expect([bench.peers.living.size, bench.lastCall.endReason, isFinal]).toEqual([0, 'hangup', false])
    expect(bench.telemetry.sessions).toEqual([1])
    slow.resolve()
    await ended
    await settle()
    expect(bench.telemetry.ended).toMatchObject([{ endReason: 'hangup' }])
    expect(bench.recorder.reserved.size).toBe(0)
  })

  it('that comes of its recording drops the peer', async () => {
    const { session } = await bench.publish()
    await bench.lastCall.end('max_length')
    await settle()
    expect(bench.peers.living.size).toBe(0)
    expect(bench.sessions.find(session.parts.id, 'me')).toBeUndefined()
    expect(bench.telemetry.ended).toMatchObject([{ endReason: 'max_length' }])
  })

  it('has the first reason, whatever comes behind it', async () => {
    const { session } = await bench.publish()
    bench.peers.end(session.parts.id, 'lost')
    await bench.sessions.end(session)
    await bench.lastCall.end('disk_full')
    await settle()
    expect(bench.lastCall.endReason).toBe('media_timeout')
    expect(bench.telemetry.ended).toMatchObject([{ endReason: 'media_timeout' }])
  })

  it('tells of what went wrong in it, and gives back its room nevertheless', async () => {
    const { session } = await bench.publish()
    const error = unavailable('CATALOGUE_UNAVAILABLE')
    bench.recorder.gates.end = failing(error)
    await bench.sessions.end(session)
    await settle()
    expect(bench.telemetry.ended).toMatchObject([{ endReason: 'hangup', error }])
    expect(bench.telemetry.sessions).toEqual([1, 0])
  })

  it('is that of one session only', async () => {
    const [one, other] = [(await bench.publish()).session, (await bench.publish()).session]
    bench.peers.end(one.parts.id, 'closed')
    bench.peers.end('nobody', 'broken')
    await settle()
    expect(bench.recorder.calls.map(({ endReason }) => endReason)).toEqual(['hangup', undefined])
    expect(bench.sessions.find(other.parts.id, 'me')).toBe(other)
    expect([...bench.peers.living.keys()]).toEqual([other.parts.id])
  })
})

describe('a drain', () => {
  it('of nothing is over at once, and refuses whoever comes', async () => {
    await bench.sessions.drain(60_000)
    await expect(bench.publish()).rejects.toMatchObject({ code: 'WHIP_BUSY', message: 'The server is stopping.' })
    expect(bench.telemetry.refused).toEqual(['WHIP_BUSY'])
  })

  it('lets sessions go on until they end', async () => {
    const [one, other] = [(await bench.publish()).session, (await bench.publish()).session]
    let isOver = false
    const drained = bench.sessions.drain(60_000).then(() => {
      isOver = true
    })
    await bench.sessions.end(one)
    await settle()
    expect([isOver, bench.recorder.callCount]).toEqual([false, 1])
    bench.peers.end(other.parts.id, 'closed')
    await drained
    expect(bench.recorder.calls.map(({ endReason }) => endReason)).toEqual(['hangup', 'hangup'])
  })

  it('ends the rest at its deadline', async () => {
    await bench.publish()
    await bench.publish({ project: aProject() })
    await bench.sessions.drain(0)
    expect(bench.recorder.calls.map(({ endReason }) => endReason)).toEqual(['shutdown', 'shutdown'])
    expect(bench.peers.living.size).toBe(0)
  })

  it.each<[string, (until: Promise<void>) => void]>([
    [
      'answered',
      (until) => {
        bench.peers.answering = until
      },
    ],
    [
      'recorded',
      (until) => {
        bench.recorder.gates.begin = until
      },
    ],
  ])('ends one that is not %s yet at its deadline, as soon as it is', async (_what, hold) => {
    await bench.publish()
    const { lastCall: running } = bench
    const slow = Promise.withResolvers<void>()
    hold(slow.promise)
    const published = bench.publish()
    const drained = bench.sessions.drain(0)
    expect(await running.ended).toBe('shutdown')
    expect(bench.recorder.calls).toEqual([running])
    slow.resolve()
    await published
    await drained
    expect(bench.recorder.calls.map(({ endReason }) => endReason)).toEqual(['shutdown', 'shutdown'])
    expect([bench.peers.living.size, bench.recorder.reserved.size, bench.telemetry.sessions.at(-1)]).toEqual([0, 0, 0])
  })

  it('waits half a minute at most for recordings that cannot become final', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      await bench.publish()
      bench.recorder.gates.end = new Promise(() => {})
      let isOver = false
      const drained = bench.sessions.drain(1_000).then(() => {
        isOver = true
      })
      await vi.advanceTimersByTimeAsync(30_999)
      expect([bench.lastCall.endReason, isOver]).toEqual(['shutdown', false])
      await vi.advanceTimersByTimeAsync(1)
      await drained
      expect(bench.telemetry.sessions).toEqual([1])
    } finally {
      vi.useRealTimers()
    }
  })

  it('may be asked for twice: both are over with the last session, and the nearer deadline counts', async () => {
    const { session } = await bench.publish()
    const drained = Promise.all([bench.sessions.drain(60_000), bench.sessions.drain(60_000)])
    await bench.sessions.end(session)
    await drained
    await bench.sessions.drain(60_000)
    bench = new WhipBench()
    await bench.publish()
    await Promise.all([bench.sessions.drain(60_000), bench.sessions.drain(0)])
    expect(bench.lastCall.endReason).toBe('shutdown')
  })

  it('waits for one that is being set up and fails', async () => {
    const slow = Promise.withResolvers<void>()
    bench.peers.answering = slow.promise
    const published = bench.publish()
    const drained = bench.sessions.drain(60_000)
    slow.reject(refusedByTransport())
    await expect(published).rejects.toMatchObject({ code: 'WEBRTC_REFUSED' })
    await drained
    expect(bench.recorder.reserved.size).toBe(0)
  })
})
