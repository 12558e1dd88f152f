import type { CallDetails, Gap, StreamQuality } from '../../domain/call-details.ts'
import type { Recording } from '../../domain/recording.ts'

/** UTC with milliseconds: two calls of a second are told apart. */
const formatExactTime = (ms: number): string => new Date(ms).toISOString()

/** What our own resource says of a recording beside the relay fields. What is not known is left out, never null. */
export const formatDetails = (recording: Recording, details: CallDetails | undefined): object => {
  const { media, durationMs } = recording
  return {
    duration_ms: durationMs,
    ...(media && {
      codec: media.codec,
      sample_rate_hz: media.sampleRateHz,
      channels: media.channels,
      format: media.format,
      ...(media.sha256 !== undefined && { sha256: media.sha256 }),
    }),
    ...(details && { call: formatCall(details), quality: formatQuality(details) }),
  }
}

const formatCall = (details: CallDetails): object => ({
  ...(details.trunkId !== undefined && { trunk_id: details.trunkId }),
  call_id: details.callId,
  from: details.from,
  to: details.to,
  ...(details.metadata && { metadata: details.metadata }),
  started_at: formatExactTime(details.startedAtMs),
  ...(details.answeredAtMs !== undefined && { answered_at: formatExactTime(details.answeredAtMs) }),
  ...(details.endedAtMs !== undefined && { ended_at: formatExactTime(details.endedAtMs) }),
  ...(details.endReason !== undefined && { end_reason: details.endReason }),
})

const formatQuality = ({ streams, gaps }: CallDetails): object => ({
  streams: streams.map(formatStream),
  gaps: gaps.map(formatGap),
})

const formatGap = ({ startMs, durationMs, stream }: Gap): object => ({
  start_ms: startMs,
  duration_ms: durationMs,
  ...(stream !== undefined && { stream }),
})

const formatStream = (stream: StreamQuality): object => ({
  codec: stream.codec,
  ...(stream.label !== undefined && { label: stream.label }),
  ...(stream.channel !== undefined && { channel: stream.channel }),
  packets: stream.packets,
  lost: stream.lost,
  late: stream.late,
  duplicated: stream.duplicated,
  jitter_ms: stream.jitterMs,
  jitter_max_ms: stream.jitterMaxMs,
  ssrc_changes: stream.ssrcChanges,
  strangers: stream.strangers,
  invalid: stream.invalid,
  ...(stream.unauthentic !== undefined && { unauthentic: stream.unauthentic }),
  ...(stream.replayed !== undefined && { replayed: stream.replayed }),
  gap_count: stream.gapCount,
  gap_ms: stream.gapMs,
})
