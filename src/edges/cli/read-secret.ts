import { usage } from './context.ts'

const SECRET_MAX_BYTES = 4096
const LINE_FEED = 10

/** The first line of a stream, without its end: a secret that is on no command line. Reads no further. Throws USAGE_INVALID when it is too long. */
export const readSecret = async (source: NodeJS.ReadableStream): Promise<string> => {
  const chunks: Buffer[] = []
  let byteSize = 0
  for await (const chunk of source) {
    const bytes = Buffer.from(chunk)
    const end = bytes.indexOf(LINE_FEED)
    const kept = end === -1 ? bytes : bytes.subarray(0, end)
    byteSize += kept.length
    if (byteSize > SECRET_MAX_BYTES)
      throw usage(`The first line of the standard input is longer than ${SECRET_MAX_BYTES} bytes.`)
    chunks.push(kept)
    if (end !== -1) break
  }
  return Buffer.concat(chunks).toString().replace(/\r$/, '')
}
