import type { StreamQuality } from '../domain/call-details.ts'
import type { StreamPlan } from './call-recorder.ts'
import type { LiveRecording } from './captured-media.ts'
import type { GapState } from './quality.ts'
import type { AudioCheckpoint } from './recorded-audio.ts'
import type { FileCheckpoint } from './recording-file.ts'

/** How much of a recording is durable outside of the journal. JSON. */
export interface SessionCheckpoint extends AudioCheckpoint {
  readonly quality: readonly StreamQuality[]
}

/** What a begin or checkpoint record holds. */
export interface SessionRecord {
  readonly recording: LiveRecording
  readonly durable?: SessionCheckpoint
}

/** A checkpoint as it was while every recording had one stream: an upgrade finds it when the run before it was killed. */
interface OneStreamCheckpoint {
  readonly file: FileCheckpoint
  readonly edgeTicks: number
  readonly gaps: GapState
  readonly quality: readonly StreamQuality[]
}

/** The value of a begin or checkpoint record, of this release or an earlier one. */
export const readSessionRecord = (value: unknown): SessionRecord => {
  const { recording, durable } = value as {
    recording: LiveRecording
    durable?: SessionCheckpoint | OneStreamCheckpoint
  }
  if (!durable) return { recording }
  return { recording, durable: 'edgesTicks' in durable ? durable : ofOneStream(recording, durable) }
}

const ofOneStream = (
  { streams }: LiveRecording,
  { file, edgeTicks, gaps, quality }: OneStreamCheckpoint,
): SessionCheckpoint => {
  const ticksPerMs = (streams[0] as StreamPlan).format.clockRateHz / 1000
  const startMs = (edgeTicks - file.ticks) / ticksPerMs
  return { file, startMs, edgeMs: edgeTicks / ticksPerMs, edgesTicks: [edgeTicks], gaps: [gaps], quality }
}
