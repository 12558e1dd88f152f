import { formatRtp } from '../../src/audio/rtp/packet.ts'
import type { StreamPlan } from '../../src/capture/call-recorder.ts'
import { CaptureEngine, TICK_MS } from '../../src/capture/capture-engine.ts'
import { type CapturedMedia, growingName, type LiveRecording } from '../../src/capture/captured-media.ts'
import { mixFormatOf } from '../../src/capture/media-format.ts'
import { listRuns, recoverRun } from '../../src/capture/recovery.ts'
import { SimulatedDisk } from '../fakes/simulated-disk.ts'
import { seeded } from '../support/random.ts'

/** How a simulated run ends. */
export type Ending = 'power-loss' | 'kill'

/** One call of a simulated run: what it sent, and how much of that was received so long before the end that it must not be lost. */
export interface SimulatedCall {
  readonly recording: LiveRecording
  /** Ticks of audio from the first packet on, by packet; `atMs` is when it was received. */
  readonly packets: {
    readonly stream: number
    readonly position: number
    readonly ticks: number
    readonly atMs: number
    readonly payload: Uint8Array
  }[]
  ended?: CapturedMedia
  isEnding?: boolean
  isDiscarded?: boolean
}

/** What is left after a run, a crash and a recovery. */
export interface Outcome {
  readonly seed: number
  readonly calls: readonly SimulatedCall[]
  readonly crashMs: number
  readonly disk: SimulatedDisk
  /** What the catalogue says in the end. */
  readonly settled: ReadonlyMap<string, Settled>
}

/** A recording as it became final: what was said of it, and what of its bytes was durable at that moment. */
export interface Settled {
  readonly media: CapturedMedia
  readonly bytes: Uint8Array | undefined
}

const CALLS_MAX = 4
const RUN_MS_MAX = 6_000
const STEP_MS = 20
const PCMU_TICKS = 160
const OPUS_TICKS = 960
const STEADY_PACKETS = 2
const LIMITS = { segmentBytesMax: 6_000, retainedBytesMax: 12_000, dirtyBytesMax: 4_000 }

const planOf = (codec: 'PCMU' | 'opus'): StreamPlan => ({
  format:
    codec === 'PCMU'
      ? { codec, payloadType: 0, clockRateHz: 8000, channels: 1 }
      : { codec, payloadType: 111, clockRateHz: 48_000, channels: 1 },
  eventTypes: [],
  comfortNoiseTypes: [],
  remote: { address: '127.0.0.1', rtpPort: 4000, rtcpPort: 4001 },
  isRtcpMultiplexed: false,
  isHeld: false,
})

const MULAW_CODES = 250
/** A µ-law payload that tells which packet of which call it is; never the code of silence. */
const pcmuPayload = (call: number, sequence: number): Uint8Array => {
  const payload = Uint8Array.from(
    { length: PCMU_TICKS },
    (_, index) => (call * 61 + sequence * 7 + index * 3) % MULAW_CODES,
  )
  payload.set([call, sequence % MULAW_CODES, Math.floor(sequence / MULAW_CODES)])
  return payload
}
/** The streams of a mix say which they are, too. */
const mixPayload = (call: number, stream: number, sequence: number): Uint8Array => {
  const payload = pcmuPayload(call, sequence)
  payload[3] = 100 + stream
  return payload
}
const opusPayload = (call: number, sequence: number): Uint8Array =>
  Uint8Array.of(31 << 3, call, sequence & 255, sequence >> 8, (sequence * 31) & 255)

/** Lets everything that can go on go on. */
const settle = async (turns = 60): Promise<void> => {
  for (let turn = 0; turn < turns; turn += 1) await Promise.resolve()
}

/** A packet that others have overtaken. */
interface Late {
  readonly handle: number
  readonly stream: number
  readonly sequence: number
  readonly dueMs: number
}

/** One run of the engine with a few calls, up to the moment at which the disk is cut. */
class Run {
  readonly disk = new SimulatedDisk()
  readonly settled = new Map<string, Settled>()
  readonly calls = new Map<number, SimulatedCall>()
  nowMs = 0
  readonly #random: () => number
  readonly #engine: CaptureEngine
  readonly #sequences = new Map<number, number>()
  /** The cut comes at a moment of the run, or in the middle of an operation of the disk. */
  readonly #cutAtOperation: number
  readonly #troubles: unknown[] = []
  #late: Late[] = []

  constructor(random: () => number) {
    this.#random = random
    this.#cutAtOperation = random() < 0.5 ? Math.floor(random() * 400) : Number.POSITIVE_INFINITY
    this.#engine = new CaptureEngine({
      disk: this.disk,
      run: 'rfirst-0',
      nowMs: () => this.nowMs,
      mediaTimeoutMs: 60_000,
      limits: LIMITS,
      onEnded: (handle, media) => this.#end(handle, media),
      onTrouble: (error) => this.#troubles.push(error),
    })
  }

  async play(): Promise<void> {
    await this.#engine.open()
    this.disk.onOperation = () => {
      if (this.#isCut) this.disk.cut()
    }
    const callCount = 1 + Math.floor(this.#random() * CALLS_MAX)
    const runMs = Math.floor(this.#random() * RUN_MS_MAX)
    for (; this.nowMs < runMs && !this.#isCut; this.nowMs += STEP_MS) {
      if (this.calls.size < callCount && this.#random() < 0.1) await this.#begin()
      this.#send()
      if (this.nowMs % TICK_MS === 0) this.#engine.tick(this.nowMs)
      if (this.calls.size > 0 && this.#random() < 0.005) this.#hangUp()
      await settle()
      this.#settleSome()
      await settle()
    }
    this.disk.cut()
    if (this.#troubles.length > 0) throw this.#troubles[0]
  }

  get #isCut(): boolean {
    return this.disk.operations > this.#cutAtOperation
  }

  async #begin(): Promise<void> {
    const handle = this.calls.size + 1
    const recordingId = `00000000-0000-4000-8000-${String(handle).padStart(12, '0')}`
    const recording = { recordingId, projectId: 'p', mediaKey: 'k', maxMs: 1e9, ...this.#plan() }
    const begun = this.#engine.begin(handle, recording, this.nowMs)
    await Promise.race([begun.then(() => this.calls.set(handle, { recording, packets: [] })), settle()])
  }

  /** One stream as it comes, or two side by side. */
  #plan(): Pick<LiveRecording, 'streams' | 'mix'> {
    const kind = this.#random()
    if (kind < 0.4) return { streams: [planOf('PCMU')] }
    if (kind < 0.65) return { streams: [planOf('opus')] }
    const streams = [0, 1].map((channel) => ({ ...planOf('PCMU'), channel }))
    return { streams, mix: mixFormatOf(streams, 2) }
  }

  /** The next packet of every stream: on time, overtaken, or lost. */
  #send(): void {
    for (const [handle, call] of this.calls) {
      if (call.isEnding) continue
      const sequence = this.#sequences.get(handle) ?? 0
      this.#sequences.set(handle, sequence + 1)
      for (const stream of call.recording.streams.keys()) this.#sendOne(handle, stream, sequence)
    }
    const due = this.#late.filter(({ dueMs }) => dueMs <= this.nowMs)
    this.#late = this.#late.filter(({ dueMs }) => dueMs > this.nowMs)
    for (const { handle, stream, sequence } of due) this.#deliver(handle, stream, sequence)
  }

  #sendOne(handle: number, stream: number, sequence: number): void {
    const fate = this.#random()
    // What comes first says where the stream stands beside the other: it is on time.
    const isSteady = this.calls.get(handle)?.recording.mix !== undefined && sequence < STEADY_PACKETS
    if (fate < 0.05 && !isSteady) return
    if (fate >= 0.15 || isSteady) this.#deliver(handle, stream, sequence)
    else this.#late.push({ handle, stream, sequence, dueMs: this.nowMs + 20 + this.#random() * 180 })
  }

  #deliver(handle: number, stream: number, sequence: number): void {
    const call = this.calls.get(handle)
    if (!call || call.isEnding) return
    const isOpus = formatOf(call.recording) === 'ogg'
    const ticks = isOpus ? OPUS_TICKS : PCMU_TICKS
    const payload = isOpus ? opusPayload(handle, sequence) : mixPayload(handle, stream, sequence)
    const header = { payloadType: isOpus ? 111 : 0, marker: false, ssrc: handle }
    const place = { sequence: (60_000 + sequence) & 0xffff, timestamp: (sequence * ticks) >>> 0 }
    const packet = formatRtp({ ...header, ...place }, payload)
    this.#engine.receive(handle, stream, packet, { address: '127.0.0.1', port: 4000 }, this.nowMs)
    call.packets.push({ stream, position: sequence * ticks, ticks, atMs: this.nowMs, payload })
  }

  #hangUp(): void {
    const handle = 1 + Math.floor(this.#random() * this.calls.size)
    const call = this.calls.get(handle)
    if (!call || call.isEnding) return
    call.isEnding = true
    call.isDiscarded = this.#random() < 0.2
    if (call.isDiscarded) void this.#engine.discard(handle)
    else this.#engine.end(handle, 'hangup')
  }

  /** The catalogue's commit comes some time later, or not before the crash. */
  #end(handle: number, media: CapturedMedia): void {
    const call = this.calls.get(handle)
    if (!call) return
    call.ended = media
    if (this.#random() < 0.5) settleOnce(this.settled, this.disk, call.recording, media)
  }

  #settleSome(): void {
    for (const [handle, { ended, recording }] of this.calls) {
      if (ended && this.settled.has(recording.recordingId) && this.#random() < 0.5) void this.#engine.settle(handle)
    }
  }
}

/** A few calls with loss and reordering on a disk that is cut at a random moment, then the recovery, which may be cut, too. All by the seed. */
export const simulate = async (seed: number, ending: Ending): Promise<Outcome> => {
  const random = seeded(seed)
  const run = new Run(random)
  await run.play()
  const after = (disk: SimulatedDisk) => (ending === 'kill' ? disk.afterKill() : disk.afterPowerLoss({ random }))
  let disk = after(run.disk)
  for (let tries = 0; tries < 3 && random() < 0.4; tries += 1)
    disk = after(await cutRecovery(disk, run.settled, random))
  disk.onOperation = () => {}
  await recover(disk, run.settled)
  return { seed, calls: [...run.calls.values()], crashMs: run.nowMs, disk, settled: run.settled }
}

/** A recovery that does not come to its end. */
const cutRecovery = async (
  disk: SimulatedDisk,
  settled: Map<string, Settled>,
  random: () => number,
): Promise<SimulatedDisk> => {
  const cutAt = disk.operations + Math.floor(random() * 60)
  disk.onOperation = () => {
    if (disk.operations > cutAt) disk.cut()
  }
  await Promise.race([recover(disk, settled).catch(() => {}), settle(2_000)])
  disk.cut()
  return disk
}

const formatOf = ({ streams }: LiveRecording): 'ogg' | 'wav' => (streams[0]?.format.codec === 'opus' ? 'ogg' : 'wav')

/** What the main thread does with what the recovery finds. */
const recover = async (disk: SimulatedDisk, settled: Map<string, Settled>): Promise<void> => {
  for (const run of await listRuns(disk, new Set())) {
    await recoverRun(disk, run, 0, async ({ recording, media }) => settleOnce(settled, disk, recording, media))
  }
}

/** The catalogue and the media store: what is final stays as it is; the bytes are those that no loss of power takes away any more. */
const settleOnce = (
  settled: Map<string, Settled>,
  disk: SimulatedDisk,
  recording: LiveRecording,
  media: CapturedMedia,
): void => {
  if (settled.has(recording.recordingId)) return
  const name = growingName(recording.recordingId, formatOf(recording))
  settled.set(recording.recordingId, {
    media,
    bytes: media.byteSize === undefined ? undefined : disk.durableContentOf(name),
  })
}
