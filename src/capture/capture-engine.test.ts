import { afterEach, describe, expect, it } from 'vitest'
import { SimulatedDisk } from '../../test/fakes/simulated-disk.ts'
import { wavHeaderBytes } from '../audio/containers/wav-writer.ts'
import { formatRtp } from '../audio/rtp/packet.ts'
import { PoulsenError } from '../domain/errors.ts'
import type { StreamPlan } from './call-recorder.ts'
import { CaptureEngine, TICK_MS } from './capture-engine.ts'
import type { CapturedMedia } from './captured-media.ts'
import { recoverRun } from './recovery.ts'

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
  readonly troubles: { readonly error: unknown; readonly handle: number | undefined }[] = []
  readonly engine = new CaptureEngine({
    disk: this.disk,
    run: 'rtest-0',
    nowMs: () => this.nowMs,
    mediaTimeoutMs: TIMEOUT_MS,
    onEnded: (_handle, media) => this.ended.push(media),
    onTrouble: (error, handle) => this.troubles.push({ error, handle }),
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

describe('a recording whose file fails', () => {
  it('is over with what the file has, and says why, also when the call is hung up then', async () => {
    const { engine, ended, troubles, pass } = await bound()
    await pass(3_000, true)
    bench.disk.onOperation = (operation, name) => {
      if (operation === 'write' && name === FILE && bench.nowMs < 4_500) throw diskFull()
    }
    await pass(1_080, true)
    engine.end(1, 'hangup')
    await pass(1_000, false)
    expect(ended).toMatchObject([{ reason: 'disk_full' }])
    expect(troubles).toMatchObject([{ error: { code: 'MEDIA_DISK_FULL' } }])
  })

  it.each([
    'sync',
    'write',
    'truncate',
  ])('loses nothing when %s fails at its end: the journal has it, and is asked until it works', async (failing) => {
    const { engine, ended, troubles, pass } = await bound()
    await pass(3_000, true)
    bench.disk.onOperation = (operation, name) => {
      if (name === FILE && (operation === failing || operation === 'sync')) throw broken()
    }
    engine.end(1, 'hangup')
    await pass(3_000, false)
    expect(ended).toEqual([])
    expect(troubles[0]).toMatchObject({ error: { code: 'MEDIA_UNAVAILABLE' }, handle: 1 })
    expect(troubles.length).toBeLessThan(6)
    bench.disk.onOperation = () => {}
    await pass(1_500, false)
    expect(ended).toMatchObject([{ reason: 'recovered', durationMs: 3_000, streams: [{ packets: 150, lost: 0 }] }])
    const header = wavHeaderBytes('pcm_mulaw')
    const bytes = bench.disk.contentOf(FILE) ?? new Uint8Array()
    expect(bytes.length).toBe(header + 24_000)
    expect(bytes.subarray(header).every((byte) => byte === 7)).toBe(true)
    await engine.settle(1)
    await engine.close()
    expect(await bench.disk.list('journal')).toEqual([])
  })

  it('is left to the next start when it never works', async () => {
    const { engine, ended, pass } = await bound()
    await pass(2_000, true)
    bench.disk.onOperation = (operation, name) => {
      if (name === FILE && operation === 'sync') throw broken()
    }
    engine.end(1, 'hangup')
    await pass(500, false)
    await engine.close()
    expect(ended).toEqual([])
    bench.disk.onOperation = () => {}
    const recovered: CapturedMedia[] = []
    await recoverRun(bench.disk, 'rtest-0', bench.nowMs, async ({ media }) => void recovered.push(media))
    expect(recovered).toMatchObject([{ reason: 'recovered', durationMs: 2_000 }])
  })

  it('is gone when it is deleted while it waits', async () => {
    const { engine, ended, pass } = await bound()
    await pass(2_000, true)
    bench.disk.onOperation = (operation, name) => {
      if (name === FILE && operation === 'sync') throw broken()
    }
    engine.end(1, 'hangup')
    await pass(500, false)
    await engine.discard(1)
    bench.disk.onOperation = () => {}
    await pass(2_000, false)
    expect(ended).toEqual([])
    expect(bench.disk.contentOf(FILE)).toBeUndefined()
    await engine.close()
    expect(await bench.disk.list('journal')).toEqual([])
  })
})

const broken = () => new PoulsenError({ code: 'MEDIA_UNAVAILABLE', kind: 'unavailable', message: 'input/output error' })
const diskFull = () => new PoulsenError({ code: 'MEDIA_DISK_FULL', kind: 'unavailable', message: 'full' })

describe('what a tick does', () => {
  /** The names of what was written in each tick that brought a file further, in order. */
  const writesOf = async (recordings: number, ms: number): Promise<readonly (readonly string[])[]> => {
    const { engine, disk } = await open()
    const handles = Array.from({ length: recordings }, (_, index) => index + 2)
    for (const handle of handles) {
      const recordingId = `00000000-0000-4000-8000-${String(handle).padStart(12, '0')}`
      const recording = { recordingId, projectId: 'p', mediaKey: 'k', streams: [PLAN], maxMs: MAX_MS }
      await engine.begin(handle, recording, bench.nowMs)
    }
    const ticks: string[][] = []
    disk.onOperation = (operation, name) => {
      if (operation === 'write') ticks.at(-1)?.push(name)
    }
    for (let sequence = 0; sequence < ms / PACKET_MS; sequence += 1, bench.nowMs += PACKET_MS) {
      const packet = formatRtp(
        { payloadType: 0, marker: false, ssrc: 1, sequence, timestamp: sequence * 160 },
        new Uint8Array(160).fill(7),
      )
      for (const handle of handles) engine.receive(handle, 0, packet, { address: '127.0.0.1', port: 4000 }, bench.nowMs)
      if (bench.nowMs % TICK_MS !== 0) continue
      ticks.push([])
      engine.tick(bench.nowMs)
      for (let turn = 0; turn < 100; turn += 1) await Promise.resolve()
    }
    return ticks.filter((names) => names.some((name) => name.startsWith('recordings/')))
  }

  it('is the journal first: no file is mixed or written before what came is on its way', async () => {
    const ticks = await writesOf(3, 4_000)
    expect(ticks.length).toBeGreaterThan(2)
    expect(ticks.map(([first]) => first?.startsWith('journal/'))).toEqual(ticks.map(() => true))
  })

  it('is followed at once by another commit when it came while a slow disk was busy', async () => {
    const { engine, disk } = await open()
    const slow = Promise.withResolvers<void>()
    const syncs: number[] = []
    disk.onOperation = (operation, name) => {
      if (operation !== 'sync' || !name.startsWith('journal/')) return
      syncs.push(bench.nowMs)
      if (syncs.length === 1) return slow.promise
    }
    await bench.pass(300, true)
    expect(syncs).toHaveLength(1)
    slow.resolve()
    for (let turn = 0; turn < 100; turn += 1) await Promise.resolve()
    expect(syncs).toHaveLength(2)
    engine.end(1, 'hangup')
  })

  it('is a part of the files, though all of them began at once', async () => {
    // And the one that every bench has.
    const ticks = await writesOf(39, 6_000)
    const files = ticks.map((names) => names.filter((name) => name.startsWith('recordings/')))
    expect(Math.max(...files.map(({ length }) => length))).toBeLessThanOrEqual(5)
    const counts = Map.groupBy(files.flat(), (name) => name)
    expect(counts.size).toBe(39)
    expect(Math.min(...[...counts.values()].map(({ length }) => length))).toBeGreaterThanOrEqual(4)
  })
})

const bound = async () => {
  const made = await open()
  return {
    engine: made.engine,
    ended: made.ended,
    troubles: made.troubles,
    pass: (ms: number, hasAudio: boolean) => made.pass(ms, hasAudio),
  }
}
