import type { MixFormat } from '../audio/timeline/mix-encoder.ts'
import type { CallDetails } from '../domain/call-details.ts'
import { priceOf } from '../domain/project.ts'
import type { Recording } from '../domain/recording.ts'
import type { Ids } from '../ports/ids.ts'
import { formatMediaKey } from '../services/media-key.ts'
import type { CallRequest } from './call-recorder.ts'
import { audioFormatOf } from './media-format.ts'

const NONCE_BYTES = 8

/** The row of a recording that begins. */
export const describeRecording = (
  { project, leg, track, streams, startedAtMs, wavRateHz }: CallRequest,
  { mix, ids, nowMs }: { readonly mix: MixFormat | undefined; readonly ids: Ids; readonly nowMs: number },
): Recording => {
  const id = ids.uuid()
  const wav = mix || wavRateHz === undefined ? undefined : { sampleRateHz: wavRateHz }
  const key = formatMediaKey({ projectId: project.id, recordingId: id }, ids.randomHex(NONCE_BYTES))
  return {
    id,
    projectId: project.id,
    createdAtMs: startedAtMs,
    updatedAtMs: nowMs,
    durationMs: 0,
    status: 'recording',
    track,
    leg,
    price: priceOf(project, 0),
    media: { key, ...audioFormatOf({ streams, ...(mix && { mix }) }), durationMs: 0, ...(wav && { wav }) },
  }
}

/** What is known of its call then. */
export const describeCall = (
  { trunkId, callId, from, to, startedAtMs, publisherMetadata }: CallRequest,
  answeredAtMs: number,
): CallDetails => ({
  ...(trunkId !== undefined && { trunkId }),
  callId,
  from,
  to,
  ...(publisherMetadata && { metadata: publisherMetadata }),
  startedAtMs,
  answeredAtMs,
  streams: [],
  gaps: [],
})
