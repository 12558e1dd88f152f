import { randomBytes } from 'node:crypto'
import { PutBucketPolicyCommand } from '@aws-sdk/client-s3'
import { expect, it } from 'vitest'
import { freshKey } from '../../../test/contract/media-store.contract.ts'
import { describeS3MediaStore } from '../../../test/contract/s3-media-store.contract.ts'
import { CephServer } from '../../../test/support/ceph.ts'
import { plainClient } from '../../../test/support/s3-server.ts'
import { TcpTap } from '../../../test/support/tcp-tap.ts'
import { openS3MediaStore } from './media-store.ts'
import { isAway } from './start-failure.ts'

const MIB = 1024 ** 2
let server: CephServer

describeS3MediaStore('Ceph', async () => {
  server = await CephServer.start()
  return server
})

it('refuses to open a bucket of somebody else, and one that may only be read', async () => {
  const [bucket, guest] = [await server.bucket(), await server.user()]
  const { endpoint } = server
  const location = { bucket, prefix: '', endpoint, isPathStyle: true }
  const open = () => openS3MediaStore({ location, credentials: guest }).catch((thrown: unknown) => thrown)
  const denied = (tried: string) => ({
    code: 'MEDIA_STORE_UNUSABLE',
    message: `The media store s3://${bucket} at ${endpoint} cannot be used (${tried}): access is denied.`,
  })
  expect(await open()).toMatchObject(denied('listing objects'))
  const Statement = {
    Effect: 'Allow',
    Principal: { AWS: [`arn:aws:iam:::user/${guest.name}`] },
    Action: ['s3:ListBucket', 's3:GetObject'],
    Resource: [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`],
  }
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [Statement] })
  const client = plainClient(endpoint, server.credentials)
  await client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }))
  client.destroy()
  const error = await open()
  expect(error).toMatchObject(denied('writing an object'))
  expect(isAway(error)).toBe(false)
})

it('asks for encryption at rest, and says so when the server does not do it', async () => {
  const tap = await TcpTap.start(server.endpoint)
  const location = { bucket: await server.bucket(), prefix: '', endpoint: tap.endpoint, isPathStyle: true } as const
  const sse = { sse: 'aws:kms', sseKmsKeyId: 'a-key' } as const
  await expect(
    openS3MediaStore({ location: { ...location, ...sse }, credentials: server.credentials }),
  ).rejects.toMatchObject({ code: 'MEDIA_STORE_UNUSABLE', message: expect.stringContaining('writing an object') })
  tap.close()
  const written = tap.requests.filter((text) => text.startsWith('PUT ')).join('\n')
  expect(written).toMatch(/^x-amz-server-side-encryption: aws:kms\r$/m)
  expect(written).toMatch(/^x-amz-server-side-encryption-aws-kms-key-id: a-key\r$/m)
})

it('needs no more memory for a large object than for its parts', async () => {
  const { endpoint, credentials } = server
  const location = { bucket: await server.bucket(), prefix: '', endpoint, isPathStyle: true }
  const store = await openS3MediaStore({ location, credentials })
  const chunk = randomBytes(MIB)
  const write = async (byteSize: number): Promise<number> => {
    const writer = await store.open(freshKey())
    let peakBytes = 0
    while (writer.byteSize < byteSize) {
      await writer.append(chunk)
      peakBytes = Math.max(peakBytes, process.memoryUsage.rss())
    }
    await writer.finalise()
    return peakBytes
  }
  await write(4 * MIB)
  const before = process.memoryUsage.rss()
  expect(((await write(300 * MIB)) - before) / MIB).toBeLessThan(64)
  store.close()
}, 60_000)
