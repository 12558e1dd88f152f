import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'

/** Bounds of a connection. Bodies have their own (the upload's idle time and size), so there is no limit on a whole request. */
const HEADERS_TIMEOUT_MS = 15_000
const KEEP_ALIVE_TIMEOUT_MS = 65_000
const REQUESTS_PER_CONNECTION_MAX = 1_000_000
/** Of a request's line and headers together. */
export const HEADERS_MAX_BYTES = 16 * 1024

/** A PEM certificate chain and its key. */
export interface TlsFiles {
  readonly cert: Buffer
  readonly key: Buffer
}

/** A node server, for HTTPS when it has a certificate, with every limit on a connection set. It does not listen yet. */
export const createConnections = (tls: TlsFiles | undefined, listener: RequestListener): Server => {
  const limits = {
    maxHeaderSize: HEADERS_MAX_BYTES,
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
  }
  const server = tls ? createTlsServer({ ...limits, ...tls }, listener) : createServer(limits, listener)
  server.maxRequestsPerSocket = REQUESTS_PER_CONNECTION_MAX
  return server
}
