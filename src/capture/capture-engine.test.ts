import { afterEach, describe, expect, it } from 'vitest'
import { SimulatedDisk } from '../../test/fakes/simulated-disk.ts'
import { wavHeaderBytes } from '../audio/containers/wav-writer.ts'
import { formatRtp } from '../audio/rtp/packet.ts'
import { PoulsenError } from '../domain/errors.ts'
import type { StreamPlan } from './call-recorder.ts'
import { CaptureEngine, TICK_MS } from './capture-engine.ts'
import type { CapturedMedia } from './captured-media.ts'

const PLAN: StreamPlan = {
  format: { codec: 'PCMU', payloadType: 0, clockRateHz: 8000, channels: 1 },
  eventTypes: [],
  comfortNoiseTypes: [],
  remote: { address: '127.0.0.1', rtpPort: 4000, rtcpPort: 4001 },
  isRtcpMultiplexed: false,
  isHeld: false,
}
const TIMEOUT_MS = 2_000
const MAX_MS = 60_000
const PACKET_MS = 20
const FILE = 'recordings/00000000-0000-4000-8000-000000000001.wav'

/** An engine with one call, driven by hand. */
class Bench {
  readonly disk = new SimulatedDisk()
  readonly ended: CapturedMedia[] = []
  readonly engine = new CaptureEngine({
    disk: this.disk,
    run: 'rtest-0',
    nowMs: () => this.nowMs,
    mediaTimeoutMs: TIMEOUT_MS,
    onEnded: (_handle, media) => this.ended.push(media),
  })
  nowMs = 1_000
  #sequence = 0

  async open(): Promise<void> {
    await this.engine.open()
    const recordingId = '00000000-0000-4000-8000-000000000001'
    await this.engine.begin(
      1,
      { recordingId, projectId: 'p', mediaKey: 'k', streams: [PLAN], maxMs: MAX_MS },
      this.nowMs,
    )
  }

  /** Time goes by, with audio or without. */
  async pass(ms: number, hasAudio: boolean): Promise<void> {
    for (const endMs = this.nowMs + ms; this.nowMs < endMs; this.nowMs += PACKET_MS) {
      if (hasAudio) this.#send()
      if (this.nowMs % TICK_MS === 0) this.engine.tick(this.nowMs)
      for (let turn = 0; turn < 30; turn += 1) await Promise.resolve()
    }
  }

  #send(): void {
    const place = { sequence: this.#sequence & 0xffff, timestamp: this.#sequence * 160 }
    const packet = formatRtp({ payloadType: 0, marker: false, ssrc: 1, ...place }, new Uint8Array(160).fill(7))
    this.engine.receive(1, 0, packet, { address: '127.0.0.1', port: 4000 }, this.nowMs)
    this.#sequence += 1
  }
}

let bench: Bench
const open = async (): Promise<Bench> => {
  bench = new Bench()
  await bench.open()
  return bench
}
afterEach(() => bench.disk.cut())

describe('a recording that ends by itself', () => {
  it('when its media stops: with what it has', async () => {
    const { engine, ended, pass } = await bound()
    await pass(3_000, true)
    await pass(TIMEOUT_MS + 200, false)
    expect(ended).toMatchObject([
      { reason: 'media_timeout', durationMs: 3_000, byteSize: wavHeaderBytes('pcm_mulaw') + 24_000 },
    ])
    expect(engine.session(1)).toBeUndefined()
  })

  it('when no media ever comes: without a file', async () => {
    const { ended, pass } = await bound()
    await pass(TIMEOUT_MS + 200, false)
    expect(ended).toMatchObject([{ reason: 'media_timeout', durationMs: 0, streams: [{ packets: 0 }] }])
    expect(ended[0]?.byteSize).toBeUndefined()
  })

  it('not while it is on hold, and after a hold not before the time is up anew', async () => {
    const { engine, ended, pass } = await bound()
    await pass(500, true)
    engine.update(1, [{ ...PLAN, isHeld: true }], bench.nowMs)
    await pass(3 * TIMEOUT_MS, false)
    engine.update(1, [PLAN], bench.nowMs)
    await pass(TIMEOUT_MS - 200, false)
    expect(ended).toEqual([])
    await pass(500, false)
    expect(ended).toMatchObject([{ reason: 'media_timeout' }])
  })

  it('when it is as long as it may be', async () => {
    const { ended, pass } = await bound()
    await pass(MAX_MS + 200, true)
    expect(ended).toMatchObject([{ reason: 'max_length' }])
    expect(ended[0]?.durationMs).toBeGreaterThan(MAX_MS - 200)
  })

  it.each([
    ['its file', FILE],
    ['the journal', 'journal/'],
  ])('when the disk is full under %s: with what was written before, whole and playable', async (_what, full) => {
    const { ended, pass } = await bound()
    await pass(5_000, true)
    bench.disk.onOperation = (_operation, name, grows) => {
      if (grows && name.startsWith(full) && bench.nowMs > 6_500) throw diskFull()
    }
    await pass(3_000, true)
    expect(ended).toMatchObject([{ reason: 'disk_full' }])
    const { byteSize = 0, durationMs = 0 } = ended[0] ?? {}
    expect(durationMs).toBeGreaterThan(3_000)
    const bytes = bench.disk.contentOf(FILE) ?? new Uint8Array()
    expect(bytes.length).toBe(byteSize)
    const header = wavHeaderBytes('pcm_mulaw')
    expect(new DataView(bytes.buffer, bytes.byteOffset).getUint32(header - 4, true)).toBe(durationMs * 8)
    expect(bytes.subarray(header).every((byte) => byte === 7)).toBe(true)
  })
})

const diskFull = () => new PoulsenError({ code: 'MEDIA_DISK_FULL', kind: 'unavailable', message: 'full' })

const bound = async () => {
  const made = await open()
  return { engine: made.engine, ended: made.ended, pass: (ms: number, hasAudio: boolean) => made.pass(ms, hasAudio) }
}
