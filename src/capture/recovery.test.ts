import { expect, it } from 'vitest'
import { SimulatedDisk } from '../../test/fakes/simulated-disk.ts'
import { wavHeaderBytes } from '../audio/containers/wav-writer.ts'
import type { CapturedMedia, LiveRecording } from './captured-media.ts'
import { growingName } from './captured-media.ts'
import { Journal } from './journal.ts'
import { openEncoder } from './media-format.ts'
import { noQuality } from './quality.ts'
import { RecordingFile } from './recording-file.ts'
import { recoverRun } from './recovery.ts'

const HEAD = wavHeaderBytes('pcm_mulaw')
const recording: LiveRecording = {
  recordingId: '00000000-0000-4000-8000-000000000001',
  projectId: 'p',
  mediaKey: 'k',
  maxMs: 60_000,
  streams: [
    {
      format: { codec: 'PCMU', payloadType: 0, clockRateHz: 8000, channels: 1 },
      eventTypes: [],
      comfortNoiseTypes: [],
      remote: { address: '127.0.0.1', rtpPort: 4000, rtcpPort: 4001 },
      isRtcpMultiplexed: false,
      isHeld: false,
    },
  ],
}

it('goes on from a checkpoint of a release that knew recordings of one stream only', async () => {
  const disk = new SimulatedDisk()
  const name = growingName(recording.recordingId, 'wav')
  const file = await RecordingFile.create(disk, name, await openEncoder(recording))
  file.append([{ kind: 'audio', ticks: 800, bytes: new Uint8Array(800).fill(5) }])
  const checkpoint = await file.checkpoint()
  const journal = new Journal({ disk, run: 'rold-0', nowMs: () => 0, writeSnapshot: () => {} })
  await journal.open()
  journal.batch.json('begin', 1, { recording })
  const gaps = { gaps: [{ startTicks: 80, ticks: 160 }], atTicks: 800, count: 1, ticks: 160 }
  const quality = recording.streams.map(noQuality)
  journal.batch.json('checkpoint', 1, { recording, durable: { file: checkpoint, edgeTicks: 8_800, gaps, quality } })
  journal.batch.audio(1, 0, 8_800, new Uint8Array(160).fill(6))
  await journal.close()
  const recovered: CapturedMedia[] = []
  await recoverRun(disk, 'rold-0', 0, async ({ media }) => void recovered.push(media))
  expect(recovered).toMatchObject([{ durationMs: 120, gaps: [{ startMs: 10, durationMs: 20 }] }])
  const audio = [...(disk.contentOf(name) ?? [])].slice(HEAD)
  expect(audio).toEqual([...Array(800).fill(5), ...Array(160).fill(6)])
})
