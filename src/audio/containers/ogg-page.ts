/** One page of an Ogg stream (RFC 3533 §6). */
export interface OggPage {
  readonly isFirst: boolean
  readonly isLast: boolean
  /** Position at the end of the last packet that ends on this page, in the codec's samples; -1 when none ends here. */
  readonly granule: number
  readonly serial: number
  readonly sequence: number
  readonly lacing: Uint8Array
  readonly payload: Uint8Array
}

export const OGG_HEADER_BYTES = 27
const CRC_OFFSET = 22
const POLYNOMIAL = 0x04c11db7

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 0x80000000 ? (crc << 1) ^ POLYNOMIAL : crc << 1
  return crc >>> 0
})

/** The page's checksum, counting its own field as zero (RFC 3533 §6). */
export const oggChecksum = (page: Uint8Array): number => {
  let crc = 0
  for (let index = 0; index < page.length; index += 1) {
    const byte = index >= CRC_OFFSET && index < CRC_OFFSET + 4 ? 0 : (page[index] as number)
    crc = (crc << 8) ^ (TABLE[((crc >>> 24) ^ byte) & 255] as number)
  }
  return crc >>> 0
}

/** How long the page is that begins with these bytes: undefined while too few have come, `not-a-page` when they are none. */
export const oggPageBytes = (bytes: (count: number) => Uint8Array | undefined): number | 'not-a-page' | undefined => {
  const head = bytes(OGG_HEADER_BYTES)
  if (!head) return undefined
  if (String.fromCharCode(...head.subarray(0, 4)) !== 'OggS' || head[4] !== 0) return 'not-a-page'
  const segments = head[26] ?? 0
  const withLacing = bytes(OGG_HEADER_BYTES + segments)
  if (!withLacing) return undefined
  const payloadBytes = withLacing.subarray(OGG_HEADER_BYTES).reduce((sum, length) => sum + length, 0)
  return OGG_HEADER_BYTES + segments + payloadBytes
}

/** A whole page, or `wrong-checksum`. */
export const parseOggPage = (bytes: Uint8Array): OggPage | 'wrong-checksum' => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  if (view.getUint32(CRC_OFFSET, true) !== oggChecksum(bytes)) return 'wrong-checksum'
  const flags = view.getUint8(5)
  const lacingEnd = OGG_HEADER_BYTES + view.getUint8(26)
  return {
    isFirst: (flags & 2) !== 0,
    isLast: (flags & 4) !== 0,
    granule: Number(view.getBigInt64(6, true)),
    serial: view.getUint32(14, true),
    sequence: view.getUint32(18, true),
    lacing: bytes.subarray(OGG_HEADER_BYTES, lacingEnd),
    payload: bytes.subarray(lacingEnd),
  }
}
