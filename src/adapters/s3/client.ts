import { S3Client } from '@aws-sdk/client-s3'
import type { S3Location } from './s3-url.ts'

/** A key pair, where it does not come from the AWS chain. */
export interface S3Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/** What a bucket is spoken to through. */
export interface S3Clients {
  readonly requests: S3Client
  /** For the bytes of objects: without a limit on a silence that the reader makes. */
  readonly reads: S3Client
}

const CONNECT_MS = 3_000
/** The client's own timer begins up to three seconds late: a frozen server is noticed within ten. */
const SILENCE_MS = 7_000
const ATTEMPTS_MAX = 3
const SOCKETS_MAX = 128
const ENDPOINT_REGION = 'us-east-1'

/**
 * Clients of one location. They are set so that servers other than AWS understand them: no checksum trailers (Swift answers 501, Ceph 16 answers 411), no
 * `Expect: 100-continue`, every body signed. Without credentials those of the AWS chain are looked for: environment, shared files, web identity, container,
 * instance.
 */
export const createClients = (location: S3Location, credentials: S3Credentials | undefined): S3Clients => {
  const { endpoint, isPathStyle } = location
  const region = location.region ?? (endpoint === undefined ? undefined : ENDPOINT_REGION)
  const client = (socketTimeout: number, shared: Pick<S3Client['config'], 'credentials'> | object) =>
    new S3Client({
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      forcePathStyle: isPathStyle,
      expectContinueHeader: false,
      followRegionRedirects: false,
      maxAttempts: ATTEMPTS_MAX,
      requestHandler: { connectionTimeout: CONNECT_MS, socketTimeout, ...agents() },
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(region === undefined ? {} : { region }),
      ...shared,
    })
  const requests = client(SILENCE_MS, credentials ? { credentials } : {})
  return { requests, reads: client(0, { credentials: requests.config.credentials }) }
}

/** One agent for plain connections, one for TLS. */
const agents = () => {
  const options = { keepAlive: true, maxSockets: SOCKETS_MAX }
  return { httpAgent: options, httpsAgent: options }
}
