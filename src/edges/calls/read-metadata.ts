import { setImmediate as nextTurn } from 'node:timers/promises'
import type { MetadataVersion } from '../../domain/session-metadata.ts'
import { applyRsDocument } from '../../protocol/rs-metadata/apply-rs-document.ts'
import { parseRsMetadata } from '../../protocol/rs-metadata/parse-rs-metadata.ts'
import type { RsDataMode } from '../../protocol/rs-metadata/rs-document.ts'
import { EMPTY_RS_STATE, type RsState } from '../../protocol/rs-metadata/rs-state.ts'
import { parseContentType } from '../../protocol/sip/content-type.ts'

/** One document of a recording's metadata. */
export interface MetadataEntry {
  /** From 1 on, in the order in which they came. */
  readonly sequence: number
  readonly receivedAtMs: number
  readonly byteSize: number
  /** What it is, or why it cannot be read; one of the two. */
  readonly mode?: RsDataMode
  readonly reason?: string
}

/** What a recording's metadata says, and how it came to that. */
export interface ReadMetadata {
  readonly state: RsState
  readonly history: readonly MetadataEntry[]
}

/** Documents of as many bytes are read in one turn; then others have theirs. */
const TURN_BYTES = 32_768
/** What a document costs however small it is. */
const DOCUMENT_BYTES = 1024

/** All versions of a recording's metadata, oldest first, one upon the other; those that cannot be read change nothing. */
export const readMetadata = async (versions: readonly MetadataVersion[]): Promise<ReadMetadata> => {
  const history: MetadataEntry[] = []
  let state = EMPTY_RS_STATE
  let bytes = 0
  for (const { receivedAtMs, contentType, xml } of versions) {
    bytes += xml.length + DOCUMENT_BYTES
    if (bytes > TURN_BYTES) {
      await nextTurn()
      bytes = 0
    }
    const document = parseRsMetadata(xml, parseContentType(contentType)?.parameters.get('charset'))
    const entry = { sequence: history.length + 1, receivedAtMs, byteSize: xml.length }
    if ('reason' in document) history.push({ ...entry, reason: document.reason })
    else {
      history.push({ ...entry, mode: document.dataMode })
      state = applyRsDocument(state, document, receivedAtMs)
    }
  }
  return { state, history }
}
