import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ByteRange } from '../../ports/media-store.ts'
import type { Playable } from '../../services/playback.ts'
import { answerConditions } from './conditions.ts'

/** Answers a GET or HEAD for a representation with conditions and ranges (RFC 9110 §13, §14). Never a content-coding; a redirect only to where the configuration sends listeners. */
export const sendMedia = async (
  request: FastifyRequest,
  reply: FastifyReply,
  playable: Playable,
): Promise<FastifyReply> => {
  const { byteSize, modifiedMs } = playable
  const etag = `"${playable.tag}"`
  reply.headers({
    etag,
    'last-modified': new Date(modifiedMs).toUTCString(),
    'accept-ranges': 'bytes',
    'cache-control': 'private, no-cache, no-transform',
    'x-content-type-options': 'nosniff',
  })
  // What grows has always changed since any date; only its tag tells what a client has.
  const validators = { etag, modifiedMs: playable.isGrowing ? Number.POSITIVE_INFINITY : modifiedMs }
  const answer = answerConditions(request.headers, validators, byteSize)
  if (answer === 'not-modified') return reply.code(304).send()
  if (answer === 'precondition-failed') return reply.code(412).send({ error: 'Precondition Failed' })
  if (answer === 'unsatisfiable') {
    return reply.code(416).header('content-range', `bytes */${byteSize}`).send({ error: 'Range Not Satisfiable' })
  }
  const elsewhere = request.method === 'GET' ? await playable.locate?.() : undefined
  if (elsewhere !== undefined) return sendAway(reply, elsewhere)
  const range = answer === 'whole' ? { startBytes: 0, endBytes: byteSize } : answer
  reply.code(answer === 'whole' ? 200 : 206).header('content-type', playable.mediaType)
  reply.header('content-length', range.endBytes - range.startBytes)
  if (answer !== 'whole') reply.header('content-range', formatContentRange(range, byteSize))
  if (request.method === 'HEAD') return reply.send()
  await sendBytes(reply, playable, range)
  return reply
}

/** 302: the client asks there, with the same range. What was said of the bytes is that server's to say. */
const sendAway = (reply: FastifyReply, url: string): FastifyReply => {
  for (const name of ['etag', 'last-modified', 'accept-ranges']) reply.removeHeader(name)
  return reply.code(302).headers({ location: url, 'cache-control': 'private, no-store' }).send()
}

const formatContentRange = ({ startBytes, endBytes }: ByteRange, byteSize: number): string =>
  `bytes ${startBytes}-${endBytes - 1}/${byteSize}`

/**
 * Writes the bytes past fastify, straight to the response: its stream path costs a third of the throughput. A failure after the head is out can only
 * be told by cutting the connection, so that no client takes a part for the whole.
 */
const sendBytes = async (reply: FastifyReply, playable: Playable, range: ByteRange): Promise<void> => {
  const cut = new AbortController()
  const response = reply.raw
  const bytes = await playable.read(range, cut.signal)
  reply.hijack()
  response.once('close', () => cut.abort())
  response.writeHead(reply.statusCode, reply.getHeaders() as OutgoingHttpHeaders)
  try {
    for await (const chunk of bytes) {
      await write(response, chunk)
      if (response.destroyed) return
    }
    response.end()
  } catch (error) {
    if (response.destroyed) return
    response.destroy()
    throw error
  }
}

/** Resolves when the bytes are out and their buffer may be used again, or when the connection is gone. */
const write = (response: ServerResponse, bytes: Uint8Array): Promise<void> =>
  new Promise((resolve) => {
    if (response.destroyed) return resolve()
    const settle = () => {
      response.off('close', settle)
      resolve()
    }
    response.once('close', settle)
    response.write(bytes, settle)
  })
