import { describe, expect, it } from 'vitest'
import { opusDurationTicks } from '../../src/audio/codecs/opus-packet.ts'
import { wavHeaderBytes } from '../../src/audio/containers/wav-writer.ts'
import { oggPackets } from '../support/ogg.ts'
import { type Ending, type Outcome, type SimulatedCall, simulate } from './capture-simulation.ts'

/** What may be lost of what was received: the promise. */
const LOSS_MAX_MS = 250
const RUNS = Number(process.env.SIMULATION_RUNS ?? 400)
const FIRST_SEED = Number(process.env.SEED ?? 1)
const MULAW_SILENCE = 0xff
const OPUS_SILENCE_BYTES = 3

/** A piece of a file: where it is, in ticks from the file's beginning, and its bytes; silence is left out. */
interface Heard {
  readonly at: number
  readonly ticks: number
  readonly hex: string
}

interface Channel {
  readonly heard: readonly Heard[]
  readonly ticks: number
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** The audio of one channel of a WAV of µ-law. */
const hearPcmu = (bytes: Uint8Array, channel: number, channels: number): Channel => {
  const data = bytes.subarray(wavHeaderBytes('pcm_mulaw'))
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const declared = view.getUint32(wavHeaderBytes('pcm_mulaw') - 4, true)
  expect(data.length - declared, 'the header tells the size').toBe(declared % 2)
  const samples = data.subarray(0, declared).filter((_, at) => at % channels === channel)
  const heard: Heard[] = []
  for (let at = 0; at < samples.length; at += 160) {
    const packet = samples.subarray(at, at + 160)
    if (packet.some((byte) => byte !== MULAW_SILENCE)) heard.push({ at, ticks: 160, hex: hex(packet) })
  }
  return { heard, ticks: samples.length }
}

const hearOpus = (bytes: Uint8Array): Channel => {
  const heard: Heard[] = []
  let at = 0
  for (const packet of oggPackets(bytes).slice(2)) {
    const ticks = opusDurationTicks(packet) ?? 0
    if (packet.length > OPUS_SILENCE_BYTES) heard.push({ at, ticks, hex: hex(packet) })
    at += ticks
  }
  return { heard, ticks: at }
}

const holdCallToPromise = ({ settled, crashMs }: Outcome, call: SimulatedCall): void => {
  const id = call.recording.recordingId
  const before = call.ended ? Number.POSITIVE_INFINITY : crashMs - LOSS_MAX_MS
  const wanted = call.packets.filter(({ atMs }) => atMs <= before)
  const final = settled.get(id)
  if (wanted.length === 0 && final?.bytes === undefined) return
  expect(final, `${id} is final`).toBeDefined()
  expect(final?.bytes, `${id} has durable bytes`).toBeDefined()
  if (!final?.bytes) return
  expect(final.media.byteSize).toBe(final.bytes.length)
  const { streams } = call.recording
  const isOpus = streams[0]?.format.codec === 'opus'
  const channels = streams.map((_, index) =>
    isOpus ? hearOpus(final.bytes as Uint8Array) : hearPcmu(final.bytes as Uint8Array, index, streams.length),
  )
  const origins = new Set(channels.flatMap((each, stream) => holdChannelToPromise(call, stream, each, before)))
  expect(origins.size, `${id}: streams stay side by side`).toBeLessThanOrEqual(1)
  const first = channels[0] as Channel
  expect(Math.round(final.media.durationMs * (isOpus ? 48 : 8))).toBe(first.ticks)
  const last = Math.max(...call.packets.map((packet) => packet.position + packet.ticks))
  expect([...origins].every((origin) => origin + first.ticks <= last)).toBe(true)
}

/** Gives where in the stream the channel begins, when anything is heard in it. */
const holdChannelToPromise = (
  call: SimulatedCall,
  stream: number,
  { heard }: Channel,
  before: number,
): readonly number[] => {
  const id = `${call.recording.recordingId} ${stream}`
  const packets = call.packets.filter((packet) => packet.stream === stream)
  const sent = new Map(packets.map((packet) => [hex(packet.payload), packet]))
  const first = heard[0]
  const origin = first === undefined ? 0 : (sent.get(first.hex)?.position ?? Number.NaN) - first.at
  for (const each of heard) {
    const packet = sent.get(each.hex)
    expect(packet, `${id}: audio at ${each.at} was sent by somebody`).toBeDefined()
    expect(each.at + origin, `${id}: a packet is in its place`).toBe(packet?.position)
  }
  const present = new Set(heard.map((each) => each.hex))
  const missing = packets.filter(({ payload, atMs }) => atMs <= before && !present.has(hex(payload)))
  expect(
    missing.map(({ position, atMs }) => ({ position, atMs })),
    `${id}: received in time and lost`,
  ).toEqual([])
  expect(present.size, `${id}: nothing twice`).toBe(heard.length)
  return first === undefined ? [] : [origin]
}

const run = async (seed: number, ending: Ending): Promise<void> => {
  const outcome = await simulate(seed, ending)
  for (const call of outcome.calls) if (!call.isDiscarded) holdCallToPromise(outcome, call)
  expect(
    outcome.disk.names().filter((name) => name.startsWith('journal/')),
    'the journal is gone',
  ).toEqual([])
}

describe('capture on a disk that fails', () => {
  for (const ending of ['power-loss', 'kill'] as const) {
    it(`keeps its promise over ${RUNS} runs that end by ${ending}`, { timeout: 3_600_000 }, async () => {
      for (let seed = FIRST_SEED; seed < FIRST_SEED + RUNS; seed += 1) {
        try {
          await run(seed, ending)
        } catch (error) {
          throw new Error(`SEED=${seed} SIMULATION_RUNS=1 fails by ${ending}`, { cause: error })
        }
      }
    })
  }
})
