import { describe, expect, it } from 'vitest'
import { aProject, someMetadata } from '../../test/builders/values.ts'
import { FakeCallRecorder } from '../../test/fakes/fake-call-recorder.ts'
import type { CallRequest, Reservation, StreamPlan, StreamTerms } from './call-recorder.ts'
import { reserveSeparately } from './separate-recordings.ts'

const plan = (label: string): StreamPlan => ({
  format: { codec: 'PCMU', payloadType: 0, clockRateHz: 8_000, channels: 1 },
  eventTypes: [],
  comfortNoiseTypes: [],
  remote: { address: '127.0.0.1', rtpPort: 9, rtcpPort: 9 },
  isRtcpMultiplexed: false,
  isHeld: false,
  label,
})
const termsOf = (...labels: readonly string[]): StreamTerms => ({ streams: labels.map(plan) })
const request = (...labels: readonly string[]): CallRequest => ({
  project: aProject(),
  leg: { type: 'sip', id: 'l' },
  track: 'both',
  layout: 'separate',
  callId: 'c',
  from: 'f',
  to: 't',
  startedAtMs: 0,
  ...termsOf(...labels),
})

/** A promise that holds something up until it is opened. */
const gate = () => Promise.withResolvers<void>()
const rest = () => new Promise(setImmediate)

const reserved = async (streamCount: number) => {
  const recorder = new FakeCallRecorder()
  const troubles: unknown[] = []
  const reservation = await reserveSeparately(
    {
      reserve: (count) => recorder.reserve({ family: 4, streamCount: count }),
      onTrouble: (error) => troubles.push(error),
    },
    streamCount,
  )
  const labels = () => recorder.calls.map(({ request: { streams } }) => streams[0]?.label)
  return { recorder, reservation, labels, troubles }
}

describe('a call of a recording a stream', () => {
  it('gives back what never was recorded: ports of lines that were refused', async () => {
    const { recorder, reservation } = await reserved(1)
    await reservation.addStream()
    const call = await reservation.begin(request('1'))
    await reservation.addStream()
    await call.end('hangup')
    expect(recorder.reserved.size).toBe(0)
  })

  it('has as many recordings as there are streams, not ports', async () => {
    const { reservation, labels } = await reserved(2)
    const call = await reservation.begin(request('1'))
    expect(labels()).toEqual(['1'])
    call.update(termsOf('1', '2'))
    await rest()
    expect(labels()).toEqual(['1', '2'])
  })

  it.each(['release', 'end'] as const)('keeps no port that is opened while it is over by %s', async (how) => {
    const { recorder, reservation } = await reserved(1)
    const call = how === 'end' ? await reservation.begin(request('1')) : undefined
    const slow = gate()
    recorder.gates.reserve = slow.promise
    const added = reservation.addStream()
    const over = call ? call.end('hangup') : reservation.release()
    slow.resolve()
    await expect(added).rejects.toMatchObject({ code: 'CAPTURE_BUSY' })
    await over
    expect(recorder.reserved.size).toBe(0)
  })

  it('begins a stream once, however often it is told of', async () => {
    const { recorder, reservation, labels } = await reserved(2)
    const call = await reservation.begin(request('1'))
    const slow = gate()
    recorder.gates.begin = slow.promise
    for (let times = 0; times < 3; times += 1) call.update(termsOf('1', '2'))
    slow.resolve()
    await rest()
    expect(labels()).toEqual(['1', '2'])
  })

  it('ends a stream, too, that begins while it ends', async () => {
    const { recorder, reservation } = await reserved(2)
    const call = await reservation.begin(request('1'))
    const slow = gate()
    recorder.gates.begin = slow.promise
    call.update(termsOf('1', '2'))
    await rest()
    const over = call.end('hangup')
    slow.resolve()
    await over
    expect(recorder.calls.map(({ endReason }) => endReason)).toEqual(['hangup', 'hangup'])
    expect(recorder.reserved.size).toBe(0)
  })

  it('misses only the stream that cannot begin, and says so', async () => {
    const { recorder, reservation, labels, troubles } = await reserved(3)
    const call = await reservation.begin(request('1'))
    const noRoom = new Error('no room')
    recorder.gates.begin = Promise.reject(noRoom)
    recorder.gates.begin.catch(() => {})
    call.update(termsOf('1', '2'))
    await rest()
    recorder.gates = {}
    call.update(termsOf('1', '2', '3'))
    await rest()
    expect(labels()).toEqual(['1', '3'])
    expect(troubles).toEqual([noRoom])
    await call.end('hangup')
    expect(recorder.reserved.size).toBe(0)
  })

  it('tells a stream that joins what metadata said last', async () => {
    const { recorder, reservation } = await reserved(2)
    const [first, second] = [someMetadata(), { ...someMetadata(), receivedAtMs: 7 }]
    const call = await reservation.begin({ ...request('1'), metadata: first })
    await call.appendMetadata(second)
    call.update(termsOf('1', '2'))
    await rest()
    expect(recorder.calls[1]?.request.metadata).toEqual(first)
    expect(recorder.calls[1]?.metadata).toEqual([second])
  })
})

describe('its successor', () => {
  it('has the ports that nobody has used yet, and they are its own', async () => {
    const { recorder, reservation, labels } = await reserved(2)
    const call = await reservation.begin(request('1'))
    const next = await reservation.succeed()
    await call.end('hangup')
    expect(recorder.reserved.size).toBe(2)
    const second = await next.begin(request('1', '2'))
    expect(labels()).toEqual(['1', '1', '2'])
    await second.end('hangup')
    expect(recorder.reserved.size).toBe(0)
  })

  it('lacks only what is gone', async () => {
    const parts: Reservation[] = []
    const recorder = new FakeCallRecorder()
    const reserve = async (streamCount: number) => {
      const part = await recorder.reserve({ family: 4, streamCount })
      const gone = parts.length === 0
      parts.push(gone ? { ...part, succeed: () => Promise.reject(new Error('gone')) } : part)
      return parts.at(-1) as Reservation
    }
    const reservation = await reserveSeparately({ reserve, onTrouble: () => {} }, 2)
    await reservation.begin(request('1', '2'))
    const next = await reservation.succeed()
    const call = await next.begin(request('1', '2'))
    expect(recorder.calls.map(({ request: { streams } }) => streams[0]?.label)).toEqual(['1', '2', '2'])
    expect(call.recordingId).toBe(recorder.calls[2]?.recordingId)
  })
})
