import { oggPageBytes, parseOggPage } from '../../src/audio/containers/ogg-page.ts'

const LACING_FULL = 255

/** Every packet of an Ogg stream with one logical stream; throws when a page is not sound. */
export const oggPackets = (bytes: Uint8Array): readonly Uint8Array[] => {
  const packets: Uint8Array[] = []
  let partial: Uint8Array[] = []
  for (let at = 0; at < bytes.length; ) {
    const length = oggPageBytes((count) => (at + count <= bytes.length ? bytes.subarray(at, at + count) : undefined))
    if (typeof length !== 'number') throw new Error(`no page at ${at}`)
    const page = parseOggPage(bytes.subarray(at, at + length))
    if (page === 'wrong-checksum') throw new Error(`a wrong checksum at ${at}`)
    let offset = 0
    for (const lacing of page.lacing) {
      partial.push(page.payload.subarray(offset, offset + lacing))
      offset += lacing
      if (lacing === LACING_FULL) continue
      packets.push(Buffer.concat(partial))
      partial = []
    }
    at += length
  }
  return packets
}
