import { randomBytes } from 'node:crypto'
import { CreateBucketCommand, ListBucketsCommand, S3Client } from '@aws-sdk/client-s3'
import { waitFor } from './wait-for.ts'

/** A key pair of a server. */
export interface ServerCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/** A real server with an S3 API on loopback, in a folder of its own. */
export interface S3Server {
  /** `http://127.0.0.1:port`. */
  readonly endpoint: string
  readonly credentials: ServerCredentials
  /** A fresh bucket; its name. */
  bucket(): Promise<string>
  /** Lets it hang: connections stay, and nobody answers. */
  freeze(): void
  thaw(): void
  /** Stops what answers requests, as an operator does. */
  halt(): Promise<void>
  /** Starts it again on the same data; resolves when it answers. */
  resume(): Promise<void>
  /** Ends it and takes its folder away. */
  stop(): Promise<void>
}

/** The AWS client itself, in the form that all servers understand. */
export const plainClient = (endpoint: string, credentials: ServerCredentials): S3Client =>
  new S3Client({
    endpoint,
    credentials,
    region: 'us-east-1',
    forcePathStyle: true,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    expectContinueHeader: false,
  })

/** Makes a bucket of a new name. */
export const makeBucket = async (endpoint: string, credentials: ServerCredentials): Promise<string> => {
  const name = `t${randomBytes(6).toString('hex')}`
  const client = plainClient(endpoint, credentials)
  await client.send(new CreateBucketCommand({ Bucket: name }))
  client.destroy()
  return name
}

/** Resolves when the server takes these credentials. */
export const untilAnswered = async (endpoint: string, credentials: ServerCredentials): Promise<void> => {
  const client = plainClient(endpoint, credentials)
  const ask = async () => {
    const abortSignal = AbortSignal.timeout(5_000)
    return await client.send(new ListBucketsCommand({}), { abortSignal }).catch(() => undefined)
  }
  await waitFor(ask, 60_000)
  client.destroy()
}
