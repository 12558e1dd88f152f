import { randomBytes, randomUUID } from 'node:crypto'
import type { Project } from '../../src/domain/project.ts'
import type { Recording } from '../../src/domain/recording.ts'
import type { Token } from '../../src/domain/token.ts'

/** A project that nobody else has. */
export const aProject = (parts: Partial<Project> = {}): Project => ({
  id: randomUUID(),
  name: 'a project',
  createdAtMs: 1_760_000_000_000,
  protectRecordings: false,
  recordingPricePerMinute: 0,
  mediaKey: randomBytes(32).toString('hex'),
  ...parts,
})

/** A token of a project, with a digest of its own. */
export const aToken = (projectId: string, parts: Partial<Token> = {}): Token => ({
  id: randomUUID(),
  projectId,
  name: 'a token',
  permissions: ['calling'],
  digest: randomBytes(32).toString('hex'),
  createdAtMs: 1_760_000_000_000,
  ...parts,
})

/** A completed recording of one second, with bytes that exist only on paper. */
export const aRecording = (projectId: string, parts: Partial<Recording> = {}): Recording => {
  const id = parts.id ?? randomUUID()
  return {
    id,
    projectId,
    createdAtMs: 1_760_000_000_000,
    updatedAtMs: 1_760_000_001_000,
    durationMs: 1000,
    status: 'completed',
    track: 'both',
    leg: { type: 'sip', id: randomUUID() },
    price: 0.0125,
    media: {
      key: `${projectId}/${id.slice(-2)}/${id}.0123456789abcdef`,
      byteSize: 16_044,
      sha256: randomBytes(32).toString('hex'),
      format: 'wav',
      codec: 'pcm_s16le',
      sampleRateHz: 8000,
      channels: 1,
      durationMs: 1000,
    },
    ...parts,
  }
}
