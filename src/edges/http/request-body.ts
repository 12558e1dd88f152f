import type { IncomingMessage } from 'node:http'
import { PoulsenError } from '../../domain/errors.ts'

/** A refused upload is read on for so long, so that the client sees the answer, before its connection is cut. */
const LINGER_MS = 2_000

/**
 * A request's body in chunks. Throws UPLOAD_IDLE when nothing comes for `idleMs`, UPLOAD_CUT_OFF when the client goes away or lied
 * about its length. Ending the iteration early leaves the connection open for an answer.
 */
export async function* readBody(request: IncomingMessage, idleMs: number): AsyncGenerator<Uint8Array> {
  const chunks = request.iterator({ destroyOnReturn: false })
  let giveUp: (error: Error) => void = () => {}
  const timer = setTimeout(() => giveUp(idle(idleMs)), idleMs)
  try {
    while (true) {
      const next = await new Promise<IteratorResult<Uint8Array>>((resolve, reject) => {
        giveUp = reject
        chunks.next().then(resolve, (cause) => reject(cutOff(cause)))
      })
      if (next.done) break
      timer.refresh()
      yield next.value
    }
    if (!request.complete) throw cutOff()
  } finally {
    clearTimeout(timer)
    // Not awaited: it waits for a read that is under way. Without it the iterator would keep whatever comes to itself.
    void chunks.return?.()
  }
}

/** Lets a client that is still sending see its refusal: what it sends is discarded for a moment, then the connection is cut. */
export const discardRest = (request: IncomingMessage): void => {
  if (request.complete) return
  // Unlike resume(), a listener also sets the stream going once the last reader has let go of it.
  request.on('data', () => {})
  const { socket } = request
  const timer = setTimeout(() => socket.destroy(), LINGER_MS)
  request.once('close', () => clearTimeout(timer))
}

/**
 * A body of at most `maxBytes` as text, which is small enough to come as a whole within `idleMs`: one that drips on is given up. Throws BODY_TOO_LARGE besides
 * what {@link readBody} throws.
 */
export const readText = async (request: IncomingMessage, maxBytes: number, idleMs: number): Promise<string> => {
  const chunks: Uint8Array[] = []
  const untilMs = performance.now() + idleMs
  let byteSize = 0
  for await (const chunk of readBody(request, idleMs)) {
    byteSize += chunk.length
    if (byteSize > maxBytes) throw tooLarge(maxBytes)
    if (performance.now() > untilMs) throw dripping(idleMs)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

const idle = (idleMs: number) =>
  new PoulsenError({
    code: 'UPLOAD_IDLE',
    kind: 'invalid',
    message: `Nothing was received for ${idleMs / 1000} seconds.`,
    hint: 'Send the body without pauses, or raise POULSEN_UPLOAD_IDLE_SECONDS.',
  })

const dripping = (idleMs: number) =>
  new PoulsenError({
    code: 'UPLOAD_IDLE',
    kind: 'invalid',
    message: `The body did not come within ${idleMs / 1000} seconds.`,
    hint: 'Send so little at once.',
  })

const cutOff = (cause?: unknown) =>
  new PoulsenError({
    code: 'UPLOAD_CUT_OFF',
    kind: 'invalid',
    message: 'The body ended before its declared length.',
    hint: 'Nothing was stored; send it again.',
    cause,
  })

const tooLarge = (maxBytes: number) =>
  new PoulsenError({ code: 'BODY_TOO_LARGE', kind: 'too-large', message: `The body is larger than ${maxBytes} bytes.` })
