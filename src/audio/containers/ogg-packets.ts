import { ByteWindow } from '../probe/byte-window.ts'
import { OGG_HEADER_BYTES, oggPageBytes } from './ogg-page.ts'

const LACING_FULL = 255
const LACING_AT = 26

/**
 * The packets of an Ogg file that has one stream and was written whole pages at a time, such as ours; a page that is cut off at the end is left out.
 * Each packet is the caller's own.
 */
export async function* readOggPackets(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const window = new ByteWindow()
  let begun: Uint8Array[] = []
  for await (const chunk of source) {
    window.append(chunk)
    for (let page = nextPage(window); page; page = nextPage(window)) {
      for (const { bytes, isWhole } of segmentsOf(page)) {
        begun.push(bytes)
        if (!isWhole) continue
        yield Uint8Array.from(Buffer.concat(begun))
        begun = []
      }
      window.skip(page.length)
    }
    begun = begun.map((bytes) => Uint8Array.from(bytes))
    window.keep()
  }
}

const nextPage = (window: ByteWindow): Uint8Array | undefined => {
  const byteSize = oggPageBytes((count) => window.peek(count))
  return typeof byteSize === 'number' ? window.peek(byteSize) : undefined
}

/** The packets of a page, the last of which may go on in the next (RFC 3533 §5). */
const segmentsOf = (page: Uint8Array): readonly { readonly bytes: Uint8Array; readonly isWhole: boolean }[] => {
  const lacing = page.subarray(OGG_HEADER_BYTES, OGG_HEADER_BYTES + (page[LACING_AT] ?? 0))
  const segments: { bytes: Uint8Array; isWhole: boolean }[] = []
  let from = OGG_HEADER_BYTES + lacing.length
  let length = 0
  for (const [index, size] of lacing.entries()) {
    length += size
    if (size === LACING_FULL && index < lacing.length - 1) continue
    segments.push({ bytes: page.subarray(from, from + length), isWhole: size < LACING_FULL })
    from += length
    length = 0
  }
  return segments
}
