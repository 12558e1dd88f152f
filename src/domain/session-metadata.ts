/** One RFC 7865 document about a recording, as its session recording client sent it (RFC 7866 §7). A whole snapshot or a partial update. */
export interface MetadataVersion {
  readonly receivedAtMs: number
  /** Content-Type as it came: `application/rs-metadata+xml`, with its parameters. */
  readonly contentType: string
  /** The bytes as they came: nothing of them is read here, and nothing is changed. */
  readonly xml: Uint8Array
}

/** Versions that are kept of one recording: an update each ten seconds of a call of nearly three hours. */
export const METADATA_VERSIONS_MAX = 1000
