import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { aClock } from '../../test/builders/services.ts'
import { aGrowingRecording, aProject } from '../../test/builders/values.ts'
import { MemoryCatalogue } from '../../test/fakes/memory-catalogue.ts'
import { MemoryMediaStore } from '../../test/fakes/memory-media-store.ts'
import { SimulatedDisk } from '../../test/fakes/simulated-disk.ts'
import { openOpusEncoder } from '../audio/codecs/opus-codec.ts'
import { formatRtp } from '../audio/rtp/packet.ts'
import { transcode } from '../audio/transcode/transcode.ts'
import type { Recording } from '../domain/recording.ts'
import { CaptureEngine } from './capture-engine.ts'
import type { CapturedMedia } from './captured-media.ts'
import { Settlement } from './settlement.ts'

const folder = mkdtempSync(join(tmpdir(), 'poulsen-settlement-'))
afterAll(() => rmSync(folder, { recursive: true }))

const PEER = { address: '127.0.0.1', port: 4_000 }
const FRAMES_MS = [2.5, 10, 20, 60] as const
const CHANNELS = [1, 2] as const
const SAMPLES_PER_MS = 48
const HANDLE = 1

/** A disk in memory whose files a media store can adopt. */
class AdoptableDisk extends SimulatedDisk {
  override pathOf(name: string): string {
    const path = join(folder, name.replaceAll('/', '-'))
    writeFileSync(path, this.contentOf(name) ?? '')
    return path
  }
}

/** One packet of Opus for each length and number of channels. */
const packets = new Map<string, Uint8Array>()
beforeAll(async () => {
  for (const frameMs of FRAMES_MS)
    for (const channels of CHANNELS) {
      // With fewer bits the encoder makes one channel of two where packets are short.
      const encoder = await openOpusEncoder({ channels, frameMs, bitrateBps: 256_000 })
      const sound = Int16Array.from(
        { length: SAMPLES_PER_MS * frameMs * channels },
        (_, at) => 9_000 * Math.sin(at / 9),
      )
      const packet = encoder.encode(sound)
      expect(isStereo(packet)).toBe(channels === 2)
      packets.set(`${frameMs}/${channels}`, packet)
      encoder.free()
    }
})

/** RFC 6716 §3.1: the s bit of the TOC. */
const isStereo = ([toc = 0]: Uint8Array): boolean => (toc & 0x04) !== 0

interface Call {
  /** Those that were agreed on; packets may have others. */
  readonly channels: 1 | 2
  readonly packetChannels?: 1 | 2
  readonly wavRateHz: number | undefined
  readonly sent: readonly { readonly frameMs: (typeof FRAMES_MS)[number]; readonly isLost: boolean }[]
}

/** The row of a call of Opus that has begun. */
const rowOf = (projectId: string, { channels, wavRateHz }: Pick<Call, 'channels' | 'wavRateHz'>): Recording => {
  const { media, ...recording } = aGrowingRecording(projectId)
  if (!media) throw new Error('no media')
  const wav = wavRateHz === undefined ? {} : { wav: { sampleRateHz: wavRateHz } }
  return { ...recording, media: { ...media, format: 'ogg', codec: 'opus', sampleRateHz: 48_000, channels, ...wav } }
}

/** What capture makes of a call, on this disk. */
const capture = async (
  disk: SimulatedDisk,
  recording: Recording,
  { channels, packetChannels = channels, sent }: Call,
): Promise<CapturedMedia> => {
  const ended = Promise.withResolvers<CapturedMedia>()
  const engine = new CaptureEngine({
    disk,
    run: 'rtest-0',
    nowMs: () => 0,
    mediaTimeoutMs: 60_000,
    onEnded: (_handle, media) => ended.resolve(media),
    onTrouble: ended.reject,
  })
  await engine.open()
  const stream = {
    format: { codec: 'opus', payloadType: 111, clockRateHz: 48_000, channels },
    eventTypes: [],
    comfortNoiseTypes: [],
    remote: { address: PEER.address, rtpPort: PEER.port, rtcpPort: PEER.port },
    isRtcpMultiplexed: true,
    isHeld: false,
    isFixed: true,
  } as const
  const { id: recordingId, projectId, media } = recording
  const live = { recordingId, projectId, mediaKey: media?.key ?? '', streams: [stream], maxMs: 600_000 }
  await engine.begin(HANDLE, live, 0)
  let ms = 0
  for (const [sequence, { frameMs, isLost }] of sent.entries()) {
    const header = { payloadType: 111, marker: false, ssrc: 1, sequence, timestamp: SAMPLES_PER_MS * ms }
    const packet = formatRtp(header, packets.get(`${frameMs}/${packetChannels}`) ?? new Uint8Array())
    ms += frameMs
    if (!isLost) engine.receive(HANDLE, 0, packet, PEER, ms)
    engine.tick(ms)
    await new Promise(setImmediate)
  }
  engine.end(HANDLE, 'hangup')
  return ended.promise
}

const aSettlement = (project: ReturnType<typeof aProject>) => {
  const [catalogue, mediaStore, disk, settled] = [
    new MemoryCatalogue(),
    new MemoryMediaStore(),
    new AdoptableDisk(),
    [] as Recording[],
  ]
  const settlement = new Settlement({
    catalogue,
    mediaStore,
    disk,
    clock: aClock(),
    onSettled: (recording) => settled.push(recording),
    onTrouble: (error) => {
      throw error
    },
  })
  return { project, catalogue, mediaStore, disk, settled, settlement }
}

/** A call from its first packet to its final row, and the bytes of the WAV that is made of it. */
const settle = async (call: Call) => {
  const { project, catalogue, mediaStore, disk, settlement } = aSettlement(aProject())
  await catalogue.createProject(project)
  const row = rowOf(project.id, call)
  await catalogue.createRecording(row)
  const captured = await capture(disk, row, call)
  const settled = await settlement.settle(project.id, row.id, captured)
  let wavBytes = 0
  const count = async (bytes: Uint8Array) => {
    wavBytes += bytes.length
  }
  const { wavRateHz } = call
  const source = await mediaStore.read(settled?.media?.key ?? '')
  await transcode({ from: 'ogg', to: 'wav', ...(wavRateHz !== undefined && { wavRateHz }) }, source, count)
  return { captured, settled, wavBytes, stored: await catalogue.findRecording(project.id, row.id) }
}

it('knows the exact size of the WAV of what came, whatever was lost', async () => {
  const packet = fc.record({
    frameMs: fc.constantFrom(...FRAMES_MS),
    isLost: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  })
  const call: fc.Arbitrary<Call> = fc.record({
    channels: fc.constantFrom(...CHANNELS),
    packetChannels: fc.constantFrom(...CHANNELS),
    wavRateHz: fc.constantFrom(8_000, 16_000, 24_000, 48_000),
    sent: fc
      .array(packet, { minLength: 1, maxLength: 40 })
      .map(([first, ...rest]) => [{ frameMs: first?.frameMs ?? 20, isLost: false }, ...rest]),
  })
  await fc.assert(
    fc.asyncProperty(call, async (each) => {
      const { settled, stored, wavBytes } = await settle(each)
      expect(settled?.media).toMatchObject({
        channels: Math.max(each.channels, each.packetChannels ?? 1),
        wav: { sampleRateHz: each.wavRateHz, byteSize: wavBytes },
      })
      expect(stored).toEqual(settled)
    }),
    { numRuns: 25 },
  )
})

it('knows it to half a millisecond, where the duration is told in whole ones', async () => {
  const sent = [20, 2.5] as const
  const call = { channels: 1, wavRateHz: 48_000, sent: sent.map((frameMs) => ({ frameMs, isLost: false })) } as const
  const { captured, settled, wavBytes } = await settle(call)
  expect(captured.durationMs).toBe(22.5)
  expect(settled).toMatchObject({ durationMs: 23, media: { durationMs: 23, wav: { byteSize: 44 + 2 * 1_080 } } })
  expect(wavBytes).toBe(44 + 2 * 1_080)
})

it('says nothing of a WAV where the URL gives what came', async () => {
  const { settled } = await settle({ channels: 1, wavRateHz: undefined, sent: [{ frameMs: 20, isLost: false }] })
  expect(settled).toMatchObject({ status: 'completed', media: { format: 'ogg', durationMs: 20 } })
  expect(settled?.media).not.toHaveProperty('wav')
})

it('leaves no WAV of a call without audio', async () => {
  const { project, catalogue, disk, settlement, settled } = aSettlement(aProject())
  await catalogue.createProject(project)
  const row = rowOf(project.id, { channels: 1, wavRateHz: 48_000 })
  await catalogue.createRecording(row)
  const silent = { reason: 'media_timeout', endedAtMs: 0, durationMs: 0, streams: [], gaps: [] } as const
  const final = await settlement.settle(project.id, row.id, silent)
  expect(final).toMatchObject({ status: 'no_input', errorCode: 'media_timeout' })
  expect(final).not.toHaveProperty('media')
  expect([settled, disk.names()]).toEqual([[final], []])
})
