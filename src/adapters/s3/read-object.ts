import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { GetObjectCommand } from '@aws-sdk/client-s3'
import type { ByteRange } from '../../ports/media-store.ts'
import { type Bucket, type ObjectAddress, SHA256_METADATA } from './bucket.ts'
import { corrupt, notFound, translateError, unavailable } from './translate-error.ts'
import { deadlineFor, within } from './within.ts'

/** How long the next bytes of an object may take to come. The reader may take as long as it likes. */
const SILENCE_MS = 10_000
const ANSWER_MS = deadlineFor(0)

/** What the bytes of an answer must be. */
interface Expected {
  readonly byteSize: number
  /** Known for whole objects only, and not of all. */
  readonly sha256: string | undefined
}

/** An object's bytes, or a range of them, as the server sends them. It has answered when this resolves; its connection is free when the iteration ends or the signal aborts. */
export const readObject = async (
  bucket: Bucket,
  address: ObjectAddress,
  range: ByteRange | undefined,
  signal: AbortSignal | undefined,
): Promise<AsyncIterable<Uint8Array>> => {
  // HTTP has no word for an empty range.
  if (range && range.endBytes <= range.startBytes) {
    if (!(await bucket.head(address))) throw notFound()
    return nothing()
  }
  const Range = range && `bytes=${range.startBytes}-${range.endBytes - 1}`
  const command = new GetObjectCommand({ ...address, Range })
  const answer = await within(ANSWER_MS, (abortSignal) => bucket.clients.reads.send(command, { abortSignal }), signal)
  const body = answer.Body as Readable
  // Nobody may be reading when the connection breaks or the signal aborts.
  body.on('error', () => {})
  const byteSize = range ? range.endBytes - range.startBytes : (answer.ContentLength ?? 0)
  if (answer.ContentLength !== byteSize) {
    body.destroy()
    throw corrupt('The media object does not have the range that it should have.')
  }
  return iterate(body, { byteSize, sha256: range ? undefined : answer.Metadata?.[SHA256_METADATA] }, signal)
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

async function* iterate(
  body: Readable,
  expected: Expected,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const digest = expected.sha256 === undefined ? undefined : createHash('sha256')
  const chunks = body[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  let receivedBytes = 0
  try {
    for (let next = await soon(body, chunks); !next.done; next = await soon(body, chunks)) {
      signal?.throwIfAborted()
      receivedBytes += next.value.length
      digest?.update(next.value)
      yield next.value
    }
    if (receivedBytes !== expected.byteSize) throw unavailable(new Error('the answer ended too soon'))
    if (digest && digest.digest('hex') !== expected.sha256)
      throw corrupt('The media object has other bytes than were stored.')
  } catch (error) {
    if (signal?.aborted) throw signal.reason
    throw translateError(error)
  } finally {
    body.destroy()
  }
}

const soon = async (body: Readable, chunks: AsyncIterator<Buffer>): Promise<IteratorResult<Buffer>> => {
  const silence = Object.assign(new Error(`nothing came for ${SILENCE_MS} ms`), { name: 'TimeoutError' })
  const timer = setTimeout(() => body.destroy(silence), SILENCE_MS)
  try {
    return await chunks.next()
  } finally {
    clearTimeout(timer)
  }
}
