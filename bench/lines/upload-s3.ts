import { randomBytes } from 'node:crypto'
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { openS3MediaStore } from '../../src/adapters/s3/media-store.ts'
import type { MediaStore } from '../../src/ports/media-store.ts'
import { CephServer } from '../../test/support/ceph.ts'
import { plainClient } from '../../test/support/s3-server.ts'
import { compare, type Line } from '../line.ts'

const ROUNDS = 3
const TARGET = 0.7
/** As a body comes from the network. */
const CHUNK_BYTES = 64 * 1024
const MB = 1_000_000

/** What one line uploads in a round. */
interface Load {
  readonly name: string
  readonly byteSize: number
  readonly uploads: number
  readonly concurrent: number
}

const LOADS: readonly Load[] = [
  { name: 'objects of 960 kB, 8 at once', byteSize: 960_000, uploads: 100, concurrent: 8 },
  { name: 'objects of 64 MB, one at a time', byteSize: 64 * MB, uploads: 4, concurrent: 1 },
]

/** Upload to S3 (Ceph's gateway on this machine): our adapter, which looks first whether there is an object and hashes the whole, against the AWS client alone. */
export const measureS3Uploads = async (): Promise<readonly Line[]> => {
  const server = await CephServer.start()
  try {
    return await measureOn(server)
  } finally {
    await server.stop()
  }
}

const measureOn = async (server: CephServer): Promise<readonly Line[]> => {
  const { endpoint, credentials } = server
  const bucket = await server.bucket()
  const location = { bucket, prefix: 'ours', endpoint, isPathStyle: true }
  const store = await openS3MediaStore({ location, credentials })
  const client = plainClient(endpoint, credentials)
  const lines: Line[] = []
  for (const load of LOADS) {
    const bytes = randomBytes(load.byteSize)
    const ours = () => megabytesPerSecond(load, (key) => storeOne(store, key, bytes))
    const reference = () => megabytesPerSecond(load, (key) => putOne(client, bucket, key, bytes))
    // The first round of either warms the server.
    await reference()
    await ours()
    lines.push(
      await compare({
        work: `upload to S3: ${load.name}`,
        against: 'PutObject of the AWS client',
        targetRatio: TARGET,
        rounds: ROUNDS,
        unit: 'MB/s',
        ours,
        reference,
      }),
    )
  }
  store.close()
  client.destroy()
  return lines
}

const megabytesPerSecond = async (
  { byteSize, uploads, concurrent }: Load,
  upload: (key: string) => Promise<unknown>,
): Promise<number> => {
  let left = uploads
  const worker = async () => {
    while (left > 0) await upload(`${randomBytes(8).toString('hex')}-${left--}`)
  }
  const begunMs = performance.now()
  await Promise.all(Array.from({ length: concurrent }, worker))
  return (uploads * byteSize) / MB / ((performance.now() - begunMs) / 1000)
}

const storeOne = async (store: MediaStore, key: string, bytes: Buffer): Promise<void> => {
  const writer = await store.open(key)
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) await writer.append(bytes.subarray(at, at + CHUNK_BYTES))
  await writer.finalise()
}

const putOne = async (client: S3Client, bucket: string, key: string, bytes: Buffer): Promise<void> => {
  await client.send(new PutObjectCommand({ Bucket: bucket, Key: `reference/${key}`, Body: bytes }))
}
