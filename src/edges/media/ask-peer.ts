import { request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { pipeline } from 'node:stream/promises'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { PoulsenError } from '../../domain/errors.ts'
import type { Holder } from '../../ports/nodes.ts'

/** Says that a node asks: whoever does not have it either asks no further. */
export const PEER_HEADER = 'x-poulsen-peer'

/** A peer that says nothing for so long is away. */
const SILENT_MS = 10_000
const PASSED_ON = [
  'authorization',
  'range',
  'if-range',
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
] as const
/** What concerns the connection only (RFC 9110 §7.6.1), or is ours to say. */
const NOT_PASSED_BACK: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'date',
  'x-request-id',
])

/**
 * Answers a request for media with the answer of the node that has it: the same path, credentials, range and conditions. Peers are asked at the address that they have
 * written into the catalogue, and nowhere else. Rejects with MEDIA_ELSEWHERE (unavailable) when the holder is unknown to be reachable, does not answer, or is
 * itself asking.
 */
export const askPeer = async (request: FastifyRequest, reply: FastifyReply, holder: Holder): Promise<FastifyReply> => {
  if (holder.url === undefined || request.headers[PEER_HEADER] !== undefined) throw elsewhere()
  const cut = new AbortController()
  reply.raw.once('close', () => cut.abort())
  const answer = await ask(request, holder.url, cut.signal)
  reply.hijack()
  const headers = Object.entries(answer.headers).filter(([name]) => !NOT_PASSED_BACK.has(name))
  reply.raw.writeHead(answer.statusCode ?? 502, {
    ...reply.getHeaders(),
    ...Object.fromEntries(headers),
  } as OutgoingHttpHeaders)
  // Whatever breaks after the head can only be told by cutting the connection, which this does.
  await pipeline(answer, reply.raw).catch(() => {})
  return reply
}

const ask = ({ method, raw, headers }: FastifyRequest, url: string, signal: AbortSignal): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const given = PASSED_ON.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]] as const]))
    const send = url.startsWith('https:') ? httpsRequest : httpRequest
    const passed = { ...Object.fromEntries(given), [PEER_HEADER]: '1' }
    const asking = send(`${url}${raw.url}`, { method, headers: passed, signal, timeout: SILENT_MS }, resolve)
    asking.once('timeout', () => asking.destroy(new Error('silent')))
    asking.once('error', (cause) => reject(elsewhere(cause)))
    asking.end()
  })

const elsewhere = (cause?: unknown): PoulsenError =>
  new PoulsenError({
    code: 'MEDIA_ELSEWHERE',
    kind: 'unavailable',
    message: 'The audio is on the disk of another node, which cannot be asked.',
    hint: 'Ask again in a moment: it is heard everywhere when it has been moved to the media store, or when its node is back.',
    cause,
  })
