import { randomBytes, randomUUID } from 'node:crypto'
import type { CallDetails } from '../../src/domain/call-details.ts'
import type { Project } from '../../src/domain/project.ts'
import type { PublishToken } from '../../src/domain/publish-token.ts'
import type { Recording } from '../../src/domain/recording.ts'
import type { MetadataVersion } from '../../src/domain/session-metadata.ts'
import type { Token } from '../../src/domain/token.ts'
import type { Trunk } from '../../src/domain/trunk.ts'

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

/** A token to publish with that is good for an hour, with a digest of its own. */
export const aPublishToken = (projectId: string, parts: Partial<PublishToken> = {}): PublishToken => ({
  projectId,
  endpoint: 'support',
  digest: randomBytes(32).toString('hex'),
  expiresAtMs: 1_760_003_600_000,
  metadata: {},
  isUsed: false,
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

/** A trunk that takes calls from this machine. */
export const aTrunk = (projectId: string, parts: Partial<Trunk> = {}): Trunk => ({
  id: randomUUID(),
  projectId,
  name: 'a trunk',
  legType: 'sip',
  networks: ['127.0.0.0/8'],
  certificates: [],
  layout: 'stereo',
  requiresSecureMedia: false,
  keepsMetadata: true,
  codecs: [],
  createdAtMs: 1_760_000_000_000,
  ...parts,
})

/** Digest credentials whose hashes are of no password. */
export const someCredentials = (username = randomUUID()): NonNullable<Trunk['credentials']> => ({
  username,
  ha1Sha256: randomBytes(32).toString('hex'),
  ha1Md5: randomBytes(16).toString('hex'),
})

/** A call that was answered after a second and hung up after two. */
export const someCallDetails = (parts: Partial<CallDetails> = {}): CallDetails => ({
  callId: `${randomUUID()}@192.0.2.1`,
  from: '"Zoë" <sip:zoe@example.com>',
  to: '<sip:record@example.com>',
  startedAtMs: 1_760_000_000_000,
  answeredAtMs: 1_760_000_001_000,
  endedAtMs: 1_760_000_002_000,
  endReason: 'hangup',
  streams: [
    {
      codec: 'PCMU',
      packets: 48,
      lost: 2,
      late: 1,
      duplicated: 0,
      jitterMs: 0.25,
      jitterMaxMs: 1.5,
      ssrcChanges: 0,
      strangers: 0,
      invalid: 0,
      gapCount: 1,
      gapMs: 40,
    },
  ],
  gaps: [{ startMs: 500, durationMs: 40 }],
  ...parts,
})

/** A fingerprint of no certificate. */
export const aFingerprint = (): string => randomBytes(32).toString('hex')

/** Metadata of a session about which nothing is said. */
export const someMetadata = (parts: Partial<MetadataVersion> = {}): MetadataVersion => ({
  receivedAtMs: 1_760_000_000_000,
  contentType: 'application/rs-metadata+xml',
  xml: new TextEncoder().encode("<recording xmlns='urn:ietf:params:xml:ns:recording:1'/>"),
  ...parts,
})

/** A recording that has just begun: its media grows. */
export const aLiveRecording = (projectId: string, parts: Partial<Recording> = {}): Recording => {
  const { media, ...rest } = aRecording(projectId, { status: 'recording', track: 'inbound', durationMs: 0, price: 0 })
  if (!media) throw new Error('a recording without media')
  const { byteSize: _size, sha256: _hash, ...growing } = media
  return { ...rest, media: { ...growing, durationMs: 0 }, ...parts }
}

/** A recording of a call in progress: its media has a key, and neither size nor hash yet. */
export const aGrowingRecording = (projectId: string, parts: Partial<Recording> = {}): Recording => {
  const { media, ...recording } = aRecording(projectId, { status: 'recording', durationMs: 0, price: 0, ...parts })
  if (!media) return recording
  const { byteSize: _size, sha256: _hash, ...growing } = media
  return { ...recording, media: { ...growing, durationMs: 0 } }
}
