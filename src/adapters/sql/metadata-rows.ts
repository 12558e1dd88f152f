import { METADATA_VERSIONS_MAX, type MetadataVersion } from '../../domain/session-metadata.ts'
import type { Uuid } from '../../domain/uuid.ts'
import type { Cell } from './rows.ts'

/** What a version of metadata has in its row beside its key, in the order of {@link metadataOf}. */
export const METADATA_COLUMNS = 'received_at_ms, content_type, xml'

type MetadataCells = [receivedAtMs: number, contentType: string, xml: Uint8Array]

/** What the write `appendMetadata` is given. The bytes are copied: what they were cut from would go to the writer thread as a whole. */
export const metadataCells = (projectId: Uuid, recordingId: Uuid, version: MetadataVersion): Cell[] => {
  const row = [version.receivedAtMs, version.contentType, new Uint8Array(version.xml)]
  return [projectId, recordingId, ...row, projectId, recordingId, METADATA_VERSIONS_MAX]
}

/** A version from its cells. */
export const metadataOf = (cells: unknown): MetadataVersion => {
  const [receivedAtMs, contentType, xml] = cells as MetadataCells
  return { receivedAtMs, contentType, xml: new Uint8Array(xml) }
}
