import { describe, expect, it } from 'vitest'
import { formatRtp } from '../audio/rtp/packet.ts'
import { parseRtcp } from '../audio/rtp/rtcp.ts'
import { SampleTrack } from '../audio/timeline/sample-track.ts'
import { ReceiverReports } from './receiver-reports.ts'
import { StreamReceiver } from './stream-receiver.ts'

const AGREED = { address: '192.0.2.1', port: 4000 }
const [OURS, NEXT] = [0xfedcba98, 7] as const
const [REPORT_BYTES, BLOCK_AT] = [32, 8] as const

const open = () => {
  const track = new SampleTrack({ bytesPerTick: 1, clockRateHz: 8000 })
  const plan = {
    format: { codec: 'PCMU', payloadType: 0, clockRateHz: 8000, channels: 1 },
    eventTypes: [],
    comfortNoiseTypes: [],
    remote: { address: AGREED.address, rtpPort: AGREED.port, rtcpPort: 4001 },
    isRtcpMultiplexed: false,
    isHeld: false,
  } as const
  return new StreamReceiver(plan, track, (positionTicks) => {
    track.takeNews()
    track.take(positionTicks)
  })
}

const send = (receiver: StreamReceiver, sequence: number, ssrc: number = OURS) =>
  receiver.receive(
    formatRtp({ payloadType: 0, marker: false, sequence, timestamp: sequence * 160, ssrc }, new Uint8Array(160)),
    AGREED,
    sequence * 20,
  )

/** A sender report of this source; `ntpMiddle` is what comes back as LSR. */
const senderReport = (ssrc: number, ntpMiddle: number): Uint8Array => {
  const bytes = new Uint8Array(28)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, 0x80c80006)
  view.setUint32(4, ssrc)
  view.setUint32(10, ntpMiddle)
  return bytes
}

const named = (ssrc: number, letter: string): Uint8Array => {
  const bytes = new Uint8Array(12)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, 0x81ca0002)
  view.setUint32(4, ssrc)
  view.setUint32(8, 0x01010000 | (letter.charCodeAt(0) << 8))
  return bytes
}

const blockOf = (report: Uint8Array | undefined) => {
  if (!report) throw new Error('no report is due')
  const view = new DataView(report.buffer, report.byteOffset, report.length)
  return {
    header: view.getUint32(0),
    from: view.getUint32(4),
    ssrc: view.getUint32(BLOCK_AT),
    fractionLost: view.getUint8(BLOCK_AT + 4),
    cumulativeLost: view.getUint32(BLOCK_AT + 4) & 0xffffff,
    highestSequence: view.getUint32(BLOCK_AT + 8),
    jitterTicks: view.getUint32(BLOCK_AT + 12),
    lastSenderReport: view.getUint32(BLOCK_AT + 16),
    delaySinceLastSenderReport: view.getUint32(BLOCK_AT + 20),
  }
}

/** Times at which a report is given, looked for every 10 ms. */
const timesOf = (reports: ReceiverReports, receiver: StreamReceiver, untilMs: number): number[] => {
  const times: number[] = []
  for (let nowMs = 0; nowMs <= untilMs; nowMs += 10) if (reports.next(receiver, nowMs)) times.push(nowMs)
  return times
}

describe('ReceiverReports', () => {
  it('says nothing before the first packet', () => {
    const [reports, receiver] = [new ReceiverReports(() => 0.5), open()]
    reports.take(senderReport(OURS, 1), 0, receiver)
    expect(timesOf(reports, receiver, 20_000)).toEqual([])
  })

  it.each([
    [0, [0, 2_500, 5_000, 7_500, 10_000]],
    [0.5, [1_250, 6_250]],
    [0.999, [2_500, 10_000]],
  ])('reports every 2.5 to 7.5 s, as chance %f has it', (chance, times) => {
    const receiver = open()
    send(receiver, 1)
    expect(timesOf(new ReceiverReports(() => chance), receiver, 10_000)).toEqual(times)
  })

  it('reports what came: loss since the last report and in all, the highest number, its own SSRC always', () => {
    const [reports, receiver] = [new ReceiverReports(() => 0), open()]
    for (const sequence of [65_533, 65_534, 0]) send(receiver, sequence)
    const first = blockOf(reports.next(receiver, 0))
    expect(first).toMatchObject({ header: 0x81c90007, ssrc: OURS, fractionLost: 64, cumulativeLost: 1 })
    expect(first).toMatchObject({ highestSequence: 0x10000, lastSenderReport: 0, delaySinceLastSenderReport: 0 })
    for (const sequence of [1, 2, 3, 4]) send(receiver, sequence)
    const second = blockOf(reports.next(receiver, 2_500))
    expect(second).toMatchObject({ fractionLost: 0, cumulativeLost: 1, highestSequence: 0x10004, from: first.from })
  })

  it('is a receiver report and a name that all streams of this process have', () => {
    const namesOf = () => {
      const receiver = open()
      send(receiver, 1)
      const report = new ReceiverReports(() => 0).next(receiver, 0) as Uint8Array
      const news = parseRtcp(report)
      if (typeof news === 'string') throw new Error(news)
      expect([...news.cnames.keys()]).toEqual([blockOf(report).from])
      expect(report.length).toBeGreaterThan(REPORT_BYTES)
      return [...news.cnames.values()]
    }
    const names = namesOf()
    expect(names[0]).toMatch(/^[\w+/]{16}$/)
    expect(namesOf()).toEqual(names)
  })

  it('says when the last sender report of the present source came', () => {
    const [reports, receiver] = [new ReceiverReports(() => 0), open()]
    send(receiver, 1)
    reports.take(senderReport(OURS, 0x11223344), 100, receiver)
    reports.take(senderReport(OURS, 0xaabbccdd), 500, receiver)
    reports.take(senderReport(NEXT, 0x55667788), 900, receiver)
    expect(blockOf(reports.next(receiver, 2_500))).toMatchObject({
      lastSenderReport: 0xaabbccdd,
      delaySinceLastSenderReport: 2 * 65_536,
    })
  })

  it('does not report what another source has sent', () => {
    const [reports, receiver] = [new ReceiverReports(() => 0), open()]
    send(receiver, 1)
    reports.take(senderReport(OURS, 0x11223344), 100, receiver)
    for (const sequence of [2, 3]) send(receiver, sequence, NEXT)
    expect(blockOf(reports.next(receiver, 2_500))).toMatchObject({ ssrc: NEXT, lastSenderReport: 0 })
  })

  it('tells the receiver what sources are called, so that a new SSRC needs no trial', () => {
    const [reports, receiver] = [new ReceiverReports(() => 0), open()]
    send(receiver, 1)
    reports.take(named(OURS, 'a'), 0, receiver)
    reports.take(named(NEXT, 'a'), 0, receiver)
    send(receiver, 2, NEXT)
    expect(receiver.quality()).toMatchObject({ packets: 2, ssrcChanges: 1, strangers: 0 })
  })

  it('takes anything', () => {
    const [reports, receiver] = [new ReceiverReports(() => 0), open()]
    send(receiver, 1)
    const whole = senderReport(OURS, 1)
    for (let length = 0; length < whole.length; length += 1) reports.take(whole.subarray(0, length), 0, receiver)
    reports.take(new Uint8Array(1500).fill(0xca), 0, receiver)
    expect(blockOf(reports.next(receiver, 0))).toMatchObject({ lastSenderReport: 0 })
  })
})
