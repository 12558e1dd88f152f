import { describe, expect, it } from 'vitest'
import { SimulatedDisk } from '../../test/fakes/simulated-disk.ts'
import type { CodecName } from '../audio/codecs/codec.ts'
import { wavHeaderBytes } from '../audio/containers/wav-writer.ts'
import { formatRtp } from '../audio/rtp/packet.ts'
import type { StreamPlan } from './call-recorder.ts'
import { CaptureEngine, TICK_MS } from './capture-engine.ts'
import type { CapturedMedia } from './captured-media.ts'
import { type Recovered, recoverRun } from './recovery.ts'

const TIMEOUT_MS = 2_000
const PACKET_MS = 20
const RUN = 'rtest-0'
/** Checkpoints and new segments come often. */
const LIMITS = { segmentBytesMax: 20_000, retainedBytesMax: 40_000, dirtyBytesMax: 8_000 }
const RECORDING_ID = '00000000-0000-4000-8000-000000000001'
const FILE = `recordings/${RECORDING_ID}.wav`
/** The journal is committed every so often, and a packet is a moment on its way. */
const LOST_MAX_MS = 250
const PCMU = { codec: 'PCMU', payloadType: 0, clockRateHz: 8_000, channels: 1 } as const
const OPUS = { codec: 'opus', payloadType: 111, clockRateHz: 48_000, channels: 1 } as const

const plan = (parts: Partial<StreamPlan> = {}): StreamPlan => ({
  format: PCMU,
  eventTypes: [],
  comfortNoiseTypes: [],
  remote: { address: '127.0.0.1', rtpPort: 4_000, rtcpPort: 4_001 },
  isRtcpMultiplexed: false,
  isHeld: false,
  ...parts,
})

/** An engine with one recording of several streams, driven by hand. */
class Bench {
  readonly disk = new SimulatedDisk()
  readonly ended: CapturedMedia[] = []
  readonly engine = new CaptureEngine({
    disk: this.disk,
    run: RUN,
    nowMs: () => this.nowMs,
    mediaTimeoutMs: TIMEOUT_MS,
    limits: LIMITS,
    onEnded: (_handle, media) => this.ended.push(media),
    onTrouble: (error) => {
      throw error
    },
  })
  nowMs = 1_000
  readonly #sequences: number[] = []

  static async open(streams: readonly StreamPlan[]): Promise<Bench> {
    const bench = new Bench()
    await bench.engine.open()
    const mix = { codec: 'pcm_mulaw', channels: 2, sampleRateHz: 8_000 } as const
    await bench.engine.begin(
      1,
      { recordingId: RECORDING_ID, projectId: 'p', mediaKey: 'k', streams, mix, maxMs: 600_000 },
      bench.nowMs,
    )
    return bench
  }

  /** Time goes by while some of the streams speak. */
  async pass(ms: number, ...speaking: readonly number[]): Promise<void> {
    for (const endMs = this.nowMs + ms; this.nowMs < endMs; this.nowMs += PACKET_MS) {
      for (const stream of speaking) this.#send(stream)
      if (this.nowMs % TICK_MS === 0) this.engine.tick(this.nowMs)
      await this.rest()
    }
  }

  /** What a stream said for so long never came. */
  lose(stream: number, ms: number): void {
    this.#sequences[stream] = (this.#sequences[stream] ?? 0) + ms / PACKET_MS
  }

  /** Lets promises, and what they start, come to rest. */
  async rest(): Promise<void> {
    for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate)
  }

  #send(stream: number): void {
    const sequence = this.#sequences[stream] ?? 0
    this.#sequences[stream] = sequence + 1
    const header = { payloadType: 0, marker: false, ssrc: stream + 1, sequence, timestamp: sequence * 160 }
    // Every 20 ms of every stream sounds otherwise.
    const packet = formatRtp(header, new Uint8Array(160).fill((sequence * 7 + stream * 61) % 120))
    this.engine.receive(1, stream, packet, { address: '127.0.0.1', port: 4_000 }, this.nowMs)
  }
}

describe('a stream that joins a recording', () => {
  it('which is over before it has joined leaves nothing behind, in the journal either', async () => {
    const bench = await Bench.open([plan(), plan({ channel: 1 })])
    await bench.pass(1_000, 0, 1)
    const joining = bench.engine.update(1, [plan(), plan({ channel: 1 }), plan({ format: OPUS })], bench.nowMs)
    bench.engine.end(1, 'hangup')
    await bench.rest()
    await bench.engine.settle(1)
    await joining
    await bench.pass(1_000)
    expect(bench.ended).toMatchObject([{ reason: 'hangup', streams: [{}, {}] }])
    const recovered: Recovered[] = []
    await recoverRun(bench.disk, RUN, bench.nowMs, async (each) => void recovered.push(each))
    expect(recovered).toEqual([])
  })

  it('is in its place after a crash at any moment, and so are its gaps', async () => {
    const play = async (untilMs: number): Promise<Bench> => {
      const bench = await Bench.open([plan(), plan({ channel: 1 })])
      const pass = (ms: number, ...speaking: readonly number[]) =>
        bench.pass(Math.min(ms, 1_000 + untilMs - bench.nowMs), ...speaking)
      await pass(1_500, 0, 1)
      await bench.engine.update(1, [plan(), plan({ channel: 1 }), plan({ channel: 1, label: 'third' })], bench.nowMs)
      await pass(500, 0, 1)
      await pass(1_000, 0, 1, 2)
      await pass(300, 0, 2)
      bench.lose(1, 300)
      await pass(700, 0, 1, 2)
      return bench
    }
    const whole = await play(4_000)
    whole.engine.end(1, 'hangup')
    await whole.rest()
    const expected = whole.disk.contentOf(FILE) ?? new Uint8Array()
    for (let untilMs = 700; untilMs < 4_000; untilMs += 310) {
      const cut = await play(untilMs)
      cut.disk.cut()
      const disk = cut.disk.afterPowerLoss({ random: () => 0.5 })
      const recovered: Recovered[] = []
      await recoverRun(disk, RUN, 0, async (each) => void recovered.push(each))
      const media = recovered[0]?.media
      const head = wavHeaderBytes('pcm_mulaw')
      const bytes = disk.contentOf(FILE)?.subarray(head, media?.byteSize) ?? new Uint8Array()
      expect(media?.durationMs, `${untilMs}`).toBeGreaterThanOrEqual(untilMs - LOST_MAX_MS)
      expect(Buffer.compare(bytes, expected.subarray(head, head + bytes.length)), `${untilMs}`).toBe(0)
      const gaps = (whole.ended[0]?.gaps ?? []).filter(
        ({ startMs, durationMs }) => startMs + durationMs < untilMs - 500,
      )
      expect(
        media?.gaps.filter(({ stream }) => stream !== 2),
        `${untilMs}`,
      ).toEqual(expect.arrayContaining(gaps.filter(({ stream }) => stream !== 2)))
      expect(media?.streams.map(({ label, channel }) => [label, channel])).toEqual(
        [
          [undefined, undefined],
          [undefined, 1],
          ['third', 1],
        ].slice(0, media?.streams.length),
      )
    }
  })

  it('and cannot be decoded keeps no later terms from the others', async () => {
    const bench = await Bench.open([plan(), plan({ channel: 1 })])
    await bench.pass(500, 0, 1)
    const strange = plan({ format: { ...PCMU, codec: 'strange' as CodecName } })
    await expect(bench.engine.update(1, [plan(), plan(), strange], bench.nowMs)).rejects.toThrow()
    await bench.engine.update(1, [plan({ isHeld: true }), plan({ isHeld: true })], bench.nowMs)
    await bench.pass(2 * TIMEOUT_MS)
    expect(bench.ended).toEqual([])
  })
})

describe('the silence of a recording of several streams', () => {
  it('begins anew when one of them may be heard again, or joins', async () => {
    const held = plan({ channel: 1, isHeld: true })
    const bench = await Bench.open([plan(), held])
    await bench.pass(500, 0)
    await bench.pass(TIMEOUT_MS - 200)
    await bench.engine.update(1, [plan(), plan({ channel: 1 })], bench.nowMs)
    await bench.pass(TIMEOUT_MS - 200)
    await bench.engine.update(1, [plan(), plan({ channel: 1 }), plan()], bench.nowMs)
    await bench.pass(TIMEOUT_MS - 200)
    expect(bench.ended).toEqual([])
    await bench.pass(400)
    expect(bench.ended).toMatchObject([{ reason: 'media_timeout' }])
  })
})
