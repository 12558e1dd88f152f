import type { TLSSocket } from 'node:tls'
import type { FastifyRequest } from 'fastify'

const HOST = /^[a-z0-9.-]+(:\d{1,5})?$|^\[[0-9a-f:.]+\](:\d{1,5})?$/i

/** True for a Host header that can stand in a URL as it is. */
export const isHost = (text: string): boolean => HOST.test(text)

/**
 * The origin that a client knows this server by: the configured one, else the request's own scheme and host (X-Forwarded-* only from trusted
 * proxies, which fastify has seen to). A Host header that is missing or no host falls back to the address that was connected to.
 */
export const originOf = (request: FastifyRequest, publicUrl: string | undefined): string => {
  if (publicUrl !== undefined) return publicUrl
  const { host } = request
  const protocol = schemeOf(request)
  if (host !== undefined && isHost(host)) return `${protocol}://${host}`
  const { localAddress = '127.0.0.1', localPort } = request.socket
  return `${protocol}://${localAddress.includes(':') ? `[${localAddress}]` : localAddress}:${localPort}`
}

/** The scheme that a trusted proxy names, when it is one of ours: many pass on what their client wrote. Else the connection's own. */
const schemeOf = ({ protocol, raw }: FastifyRequest): 'http' | 'https' => {
  if (protocol === 'http' || protocol === 'https') return protocol
  return (raw.socket as TLSSocket).encrypted ? 'https' : 'http'
}
