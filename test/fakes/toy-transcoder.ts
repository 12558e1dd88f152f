import { PoulsenError } from '../../src/domain/errors.ts'
import type { TranscodeRequest, Transcoder } from '../../src/ports/transcoder.ts'

/** Bytes of whatever the toy makes. */
export const DERIVED_BYTES = 100

/** Turns anything into a hundred bytes that say what they were made of; counts its runs and can be told to fail. */
export class ToyTranscoder implements Transcoder {
  runs = 0
  isBroken = false

  async transcode({ source, append, to }: TranscodeRequest) {
    this.runs += 1
    const chunks = await Array.fromAsync(source, (chunk) => Buffer.from(chunk))
    if (this.isBroken) throw new PoulsenError({ code: 'TRANSCODE_FAILED', kind: 'corrupt', message: 'broken' })
    await append(Buffer.from(`${to} of ${Buffer.concat(chunks)}`.padEnd(DERIVED_BYTES)))
    return {}
  }

  async close() {}
}
