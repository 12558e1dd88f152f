import { formatRtp } from '../../src/audio/rtp/packet.ts'
import type { StreamPlan } from '../../src/capture/call-recorder.ts'
import { CaptureEngine, TICK_MS } from '../../src/capture/capture-engine.ts'
import { type CapturedMedia, growingName, type LiveRecording } from '../../src/capture/captured-media.ts'
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
const opusPayload = (call: number, sequence: number): Uint8Array =>
  Uint8Array.of(31 << 3, call, sequence & 255, sequence >> 8, (sequence * 31) & 255)

/** Lets everything that can go on go on. */
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 60; turn += 1) await Promise.resolve()
}

/** A few calls with loss and reordering on a disk that is cut at a random moment, then the recovery, which may be cut, too. All by the seed. */
export const simulate = async (seed: number, ending: Ending): Promise<Outcome> => {
  const random = seeded(seed)
  const disk = new SimulatedDisk()
  const settled = new Map<string, Settled>()
  const calls = new Map<number, SimulatedCall>()
  let nowMs = 0
  const engine = new CaptureEngine({
    disk,
    run: 'rfirst-0',
    nowMs: () => nowMs,
    mediaTimeoutMs: 60_000,
    limits: LIMITS,
    onEnded: (handle, media) => {
      const call = calls.get(handle)
      if (!call) return
      call.ended = media
      // The catalogue's commit comes some time later, or not before the crash.
      if (random() < 0.5) settleOnce(settled, disk, call.recording, media)
    },
  })
  await engine.open()
  const callCount = 1 + Math.floor(random() * CALLS_MAX)
  const runMs = Math.floor(random() * RUN_MS_MAX)
  // The cut comes at a moment of the run, or in the middle of an operation of the disk.
  const cutAtOperation = random() < 0.5 ? Math.floor(random() * 400) : Number.POSITIVE_INFINITY
  disk.onOperation = () => {
    if (disk.operations > cutAtOperation) disk.cut()
  }
  let isCut = false
  const wasCut = () => isCut || disk.operations > cutAtOperation
  const sequences = new Map<number, number>()
  const late: { readonly handle: number; readonly sequence: number; readonly dueMs: number }[] = []
  const deliver = (handle: number, sequence: number) => {
    const call = calls.get(handle)
    if (!call || call.isEnding) return
    const isOpus = call.recording.streams[0]?.format.codec === 'opus'
    const ticks = isOpus ? OPUS_TICKS : PCMU_TICKS
    const payload = isOpus ? opusPayload(handle, sequence) : pcmuPayload(handle, sequence)
    const packet = formatRtp(
      {
        payloadType: isOpus ? 111 : 0,
        marker: false,
        sequence: (60_000 + sequence) & 0xffff,
        timestamp: (sequence * ticks) >>> 0,
        ssrc: handle,
      },
      payload,
    )
    engine.receive(handle, 0, packet, { address: '127.0.0.1', port: 4000 }, nowMs)
    call.packets.push({ position: sequence * ticks, ticks, atMs: nowMs, payload })
  }
  for (; nowMs < runMs && !wasCut(); nowMs += STEP_MS) {
    if (calls.size < callCount && random() < 0.1) {
      const handle = calls.size + 1
      const plan = planOf(random() < 0.7 ? 'PCMU' : 'opus')
      const recordingId = `00000000-0000-4000-8000-${String(handle).padStart(12, '0')}`
      const recording = { recordingId, projectId: 'p', mediaKey: 'k', streams: [plan], maxMs: 1e9 }
      const begun = engine.begin(handle, recording, nowMs).then(() => calls.set(handle, { recording, packets: [] }))
      await Promise.race([begun, settle()])
    }
    for (const [handle, call] of calls) {
      if (call.isEnding) continue
      const sequence = sequences.get(handle) ?? 0
      sequences.set(handle, sequence + 1)
      const fate = random()
      if (fate < 0.05) continue
      if (fate < 0.15) late.push({ handle, sequence, dueMs: nowMs + 20 + random() * 180 })
      else deliver(handle, sequence)
    }
    for (const each of late.splice(0)) {
      if (each.dueMs <= nowMs) deliver(each.handle, each.sequence)
      else late.push(each)
    }
    if (nowMs % TICK_MS === 0) engine.tick(nowMs)
    if (calls.size > 0 && random() < 0.005) {
      const handle = 1 + Math.floor(random() * calls.size)
      const call = calls.get(handle)
      if (call && !call.isEnding) {
        call.isEnding = true
        call.isDiscarded = random() < 0.2
        if (call.isDiscarded) void engine.discard(handle)
        else engine.end(handle, 'hangup')
      }
    }
    await settle()
    for (const [handle, call] of calls) {
      if (call.ended && settled.has(call.recording.recordingId) && random() < 0.5) void engine.settle(handle)
    }
    await settle()
  }
  isCut = true
  disk.cut()
  const crashMs = nowMs
  let after = ending === 'kill' ? disk.afterKill() : disk.afterPowerLoss({ random })
  // The recovery may be cut as well, several times.
  for (let tries = 0; tries < 3 && random() < 0.4; tries += 1) {
    const cutAt = Math.floor(random() * 60)
    const interrupted = after
    interrupted.operations = 0
    interrupted.onOperation = () => {
      if (interrupted.operations > cutAt) interrupted.cut()
    }
    const recovering = recover(interrupted, settled).catch(() => {})
    await Promise.race([recovering, settleLong()])
    interrupted.cut()
    after = ending === 'kill' ? interrupted.afterKill() : interrupted.afterPowerLoss({ random })
  }
  after.onOperation = () => {}
  await recover(after, settled)
  return { seed, calls: [...calls.values()], crashMs, disk: after, settled }
}

const settleLong = async (): Promise<void> => {
  for (let turn = 0; turn < 2_000; turn += 1) await Promise.resolve()
}

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
  const format = recording.streams[0]?.format.codec === 'opus' ? 'ogg' : 'wav'
  const name = growingName(recording.recordingId, format)
  settled.set(recording.recordingId, {
    media,
    bytes: media.byteSize === undefined ? undefined : disk.durableContentOf(name),
  })
}
