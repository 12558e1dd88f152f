/** The media type of recording metadata (RFC 9806 §3). */
export const RS_METADATA_TYPE = 'application/rs-metadata+xml'

const TYPES: ReadonlySet<string> = new Set([RS_METADATA_TYPE, 'application/rs-metadata'])
const TYPE_CHARACTERS_MAX = 256

/** Whether a Content-Type, with or without parameters, says recording metadata, by today's name or by that of RFC 7866, which RFC 9806 corrects. */
export const isRsMetadataType = (type: string): boolean =>
  type.length <= TYPE_CHARACTERS_MAX && TYPES.has((type.split(';', 1)[0] ?? '').trim().toLowerCase())
