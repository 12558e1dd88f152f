import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HeadObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { openS3MediaStore, type S3MediaStore } from '../../src/adapters/s3/media-store.ts'
import { isAway } from '../../src/adapters/s3/start-failure.ts'
import { freePort } from '../support/free-port.ts'
import { plainClient, type S3Server } from '../support/s3-server.ts'
import { type TapOptions, TcpTap } from '../support/tcp-tap.ts'
import { waitFor } from '../support/wait-for.ts'
import { describeMediaStore, freshKey, get, put } from './media-store.contract.ts'

const MIB = 1024 ** 2
const PART_BYTES = 8 * MIB
const HOUR_MS = 3_600_000
/** What the deadlines of one request add up to, and some room for a busy machine. */
const FROZEN_MS = 20_000
const PREFIX = 'a/b'

/** What is special about the media store in S3, on a real server. */
export const describeS3MediaStore = (name: string, start: () => Promise<S3Server>): void => {
  let server: S3Server
  beforeAll(async () => {
    server = await start()
  }, 600_000)
  afterAll(async () => await server.stop())

  describeMediaStore(
    name,
    async () => {
      const store = await openOn(server, await server.bucket())
      return { store, close: async () => store.close() }
    },
    { hasAtomicCreate: false },
  )

  describe(`${name}: a media store in S3`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'poulsen-s3-'))
    let bucket: string
    let store: S3MediaStore
    let ending: (() => void)[] = []
    beforeAll(async () => {
      bucket = await server.bucket()
      store = await openOn(server, bucket)
    })
    afterEach(() => {
      for (const end of ending) end()
      ending = []
    })
    afterAll(() => {
      store.close()
      rmSync(folder, { recursive: true })
    })
    const tapped = async (options: TapOptions = {}) => {
      const tap = await TcpTap.start(server.endpoint, options)
      ending.push(() => tap.close())
      return tap
    }
    const openThrough = async ({ endpoint }: TcpTap) => {
      const opened = await openOn(server, bucket, { endpoint })
      ending.push(() => opened.close())
      return opened
    }

    it('keeps an object of many parts with its header, and gives ranges across them', async () => {
      const [key, bytes, header] = [freshKey(), randomBytes(4 * PART_BYTES + 12_345), Buffer.from('the header')]
      const writer = await store.open(key)
      for (let at = 0; at < bytes.length; at += 700_001) await writer.append(bytes.subarray(at, at + 700_001))
      expect(writer.byteSize).toBe(bytes.length)
      await expect(store.stat(key)).rejects.toMatchObject({ code: 'MEDIA_NOT_FOUND' })
      await writer.finalise(header)
      bytes.set(header)
      expect((await get(store, key)).equals(bytes)).toBe(true)
      for (const startBytes of [0, PART_BYTES - 1, 2 * PART_BYTES - 5, 3 * PART_BYTES]) {
        const endBytes = startBytes + PART_BYTES + 10
        expect((await get(store, key, { startBytes, endBytes })).equals(bytes.subarray(startBytes, endBytes))).toBe(
          true,
        )
      }
    })

    it.each([
      PART_BYTES - 1,
      PART_BYTES,
      PART_BYTES + 1,
      2 * PART_BYTES,
    ])('keeps %i bytes, written and adopted', async (byteSize) => {
      const [written, adopted, bytes] = [freshKey(), freshKey(), randomBytes(byteSize)]
      await put(store, written, bytes)
      const path = join(folder, 'edge')
      writeFileSync(path, bytes)
      await store.adopt(adopted, path)
      for (const key of [written, adopted]) expect((await get(store, key)).equals(bytes)).toBe(true)
      expect(existsSync(path)).toBe(false)
    })

    it.each([
      100,
      2 * PART_BYTES + 77,
    ])('adopts no file of %i bytes that are not what they have to be', async (size) => {
      const [key, bytes, path] = [freshKey(), randomBytes(size), join(folder, 'damaged')]
      writeFileSync(path, bytes)
      const other = sha256Of(Buffer.from('other bytes'))
      await expect(store.adopt(key, path, other)).rejects.toMatchObject({ code: 'MEDIA_CORRUPT', kind: 'corrupt' })
      await expect(store.stat(key)).rejects.toMatchObject({ code: 'MEDIA_NOT_FOUND' })
      await store.adopt(key, path, sha256Of(bytes))
      expect((await get(store, key)).equals(bytes)).toBe(true)
    })

    it('adopts a large file with the hash of the whole, twice when asked, and no other in its place', async () => {
      const [key, bytes, path] = [freshKey(), randomBytes(2 * PART_BYTES + 77), join(folder, 'large')]
      for (const _time of [1, 2]) {
        writeFileSync(path, bytes)
        await store.adopt(key, path)
        expect(existsSync(path)).toBe(false)
      }
      const client = plainClient(server.endpoint, server.credentials)
      const head = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: `${PREFIX}/${key}` }))
      client.destroy()
      expect(head.Metadata?.sha256).toBe(sha256Of(bytes))
      const other = Buffer.from(bytes).fill(0, 0, 10)
      writeFileSync(path, other)
      await expect(store.adopt(key, path)).rejects.toMatchObject({ code: 'MEDIA_CONFLICT' })
      expect(readFileSync(path).equals(other)).toBe(true)
    })

    it('keeps the hash of an object of any size when it is known before', async () => {
      const bytes = randomBytes(2 * PART_BYTES + 1)
      for (const sha256 of [sha256Of(bytes), sha256Of(randomBytes(1))]) {
        const key = freshKey()
        const writer = await store.open(key, sha256)
        await writer.append(bytes)
        await writer.finalise()
        if (sha256 === sha256Of(bytes)) expect((await get(store, key)).equals(bytes)).toBe(true)
        else await expect(get(store, key)).rejects.toMatchObject({ code: 'MEDIA_CORRUPT' })
      }
    })

    it('tells bytes that somebody else put in the place of ours', async () => {
      const [key, bytes] = [freshKey(), randomBytes(3 * MIB)]
      await put(store, key, bytes)
      const other = Buffer.from(bytes)
      other[2 * MIB] = (other[2 * MIB] ?? 0) ^ 1
      const client = plainClient(server.endpoint, server.credentials)
      const Metadata = { sha256: sha256Of(bytes) }
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: `${PREFIX}/${key}`, Body: other, Metadata }))
      client.destroy()
      await expect(get(store, key)).rejects.toMatchObject({ code: 'MEDIA_CORRUPT', kind: 'corrupt' })
      expect((await get(store, key, { startBytes: 0, endBytes: 5 })).equals(bytes.subarray(0, 5))).toBe(true)
      const beyond = { startBytes: 3 * MIB - 1, endBytes: 3 * MIB + 1 }
      await expect(get(store, key, beyond)).rejects.toMatchObject({ code: 'MEDIA_CORRUPT' })
    })

    it('sweeps uploads that nobody goes on with, and no others', async () => {
      const [key, abandoned] = [freshKey(), await store.open(freshKey())]
      await abandoned.append(randomBytes(2 * PART_BYTES + 1))
      const writer = await store.open(key)
      await writer.append(randomBytes(2 * PART_BYTES + 1))
      await writer.finalise()
      expect(await store.sweepUnfinished(Date.now() - HOUR_MS)).toBe(0)
      expect(await store.sweepUnfinished(Date.now() + HOUR_MS)).toBe(1)
      expect(await store.sweepUnfinished(Date.now() + HOUR_MS)).toBe(0)
      await expect(abandoned.finalise()).rejects.toMatchObject({ code: 'MEDIA_UNAVAILABLE' })
      await abandoned.abort()
      expect((await store.stat(key)).byteSize).toBe(2 * PART_BYTES + 1)
    })

    it('leaves no upload behind after an abort', async () => {
      const writer = await store.open(freshKey())
      await writer.append(randomBytes(3 * PART_BYTES))
      await writer.abort()
      await writer.abort()
      expect(await store.sweepUnfinished(Date.now() + HOUR_MS)).toBe(0)
    })

    it('signs bodies with their hash, and sends no checksum trailers', async () => {
      const tap = await tapped()
      const [through, bytes] = [await openThrough(tap), randomBytes(1000)]
      await put(through, freshKey(), bytes)
      const sent = tap.requests.join('\n').toLowerCase()
      expect(sent).toContain(`x-amz-content-sha256: ${sha256Of(bytes)}`)
      expect(sent).toContain(`x-amz-meta-sha256: ${sha256Of(bytes)}`)
      expect(sent).not.toMatch(/aws-chunked|x-amz-trailer|expect: 100/)
    })

    it('takes a completion whose answer was lost for done', async () => {
      const tap = await tapped({ cutAnswerTo: /^POST \S*uploadId=/ })
      const [through, key, bytes] = [await openThrough(tap), freshKey(), randomBytes(PART_BYTES + 5)]
      await put(through, key, bytes)
      expect(tap.requests.filter((text) => /^POST \S*uploadId=/.test(text))).toHaveLength(2)
      expect((await get(store, key)).equals(bytes)).toBe(true)
    })

    it('lets go of the connection of a reading that was never begun', async () => {
      const [key, tap] = [freshKey(), await tapped()]
      await put(store, key, randomBytes(20 * MIB))
      const through = await openThrough(tap)
      const before = tap.connectionCount
      const reading = new AbortController()
      await through.read(key, undefined, reading.signal)
      await waitFor(() => (tap.connectionCount === before + 1 ? true : undefined))
      reading.abort()
      await waitFor(() => (tap.connectionCount === before ? true : undefined))
    })

    it('gives a URL that gives the bytes', async () => {
      const [key, bytes] = [freshKey(), randomBytes(100_000)]
      await put(store, key, bytes)
      const answer = await fetch(await store.presign(key, { expiresInSeconds: 60, contentType: 'audio/wav' }))
      expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'audio/wav'])
      expect(Buffer.from(await answer.arrayBuffer()).equals(bytes)).toBe(true)
    })

    it('leaves nothing in the bucket when it is opened', async () => {
      const fresh = await server.bucket()
      const opened = await openOn(server, fresh)
      opened.close()
      const client = plainClient(server.endpoint, server.credentials)
      expect((await client.send(new ListObjectsV2Command({ Bucket: fresh }))).KeyCount).toBe(0)
      client.destroy()
    })

    const refusals: readonly (readonly [what: string, open: () => Promise<unknown>, reason: RegExp])[] = [
      [
        'a wrong secret',
        () => openOn(server, bucket, { credentials: { ...server.credentials, secretAccessKey: 'wrong' } }),
        /listing objects\): the secret key is wrong/,
      ],
      [
        'an unknown key',
        () => openOn(server, bucket, { credentials: { ...server.credentials, accessKeyId: 'nobody:here' } }),
        /the access key is not known|access is denied|the secret key is wrong/,
      ],
      ['a bucket that does not exist', () => openOn(server, 'no-such-bucket'), /there is no such bucket/],
      [
        'a certificate that nobody trusts',
        async () => await openOn(server, bucket, { endpoint: (await tapped({ isTls: true })).endpoint }),
        /certificate is not trusted \(DEPTH_ZERO_SELF_SIGNED_CERT\)/,
      ],
    ]
    it.each(refusals)('refuses to open with %s', async (_what, open, reason) => {
      const error = await open().catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({
        code: 'MEDIA_STORE_UNUSABLE',
        message: expect.stringMatching(reason),
        hint: expect.any(String),
      })
      expect(isAway(error)).toBe(false)
    })

    it('refuses to open without credentials', async () => {
      const nowhere = {
        AWS_EC2_METADATA_DISABLED: 'true',
        AWS_CONFIG_FILE: '/nowhere',
        AWS_SHARED_CREDENTIALS_FILE: '/nowhere',
      }
      const none = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_PROFILE', 'AWS_WEB_IDENTITY_TOKEN_FILE']
      for (const [key, value] of Object.entries(nowhere)) vi.stubEnv(key, value)
      for (const key of none) vi.stubEnv(key, undefined)
      const location = { bucket, prefix: PREFIX, endpoint: server.endpoint, isPathStyle: true }
      const error = await openS3MediaStore({ location }).catch((thrown: unknown) => thrown)
      vi.unstubAllEnvs()
      expect(error).toMatchObject({
        code: 'MEDIA_STORE_UNUSABLE',
        message: expect.stringContaining('there are no credentials'),
      })
      expect(isAway(error)).toBe(false)
    })

    it('takes credentials from the environment', async () => {
      vi.stubEnv('AWS_ACCESS_KEY_ID', server.credentials.accessKeyId)
      vi.stubEnv('AWS_SECRET_ACCESS_KEY', server.credentials.secretAccessKey)
      const location = { bucket, prefix: PREFIX, endpoint: server.endpoint, isPathStyle: true }
      const opened = await openS3MediaStore({ location })
      vi.unstubAllEnvs()
      await opened.check()
      opened.close()
    })

    it('says that nobody listens, or that the host is not known', async () => {
      const tries = [
        [`http://127.0.0.1:${await freePort()}`, 'nobody listens there'],
        ['http://no-such-host.invalid', /the host name (?:is not known|cannot be looked up)/],
      ] as const
      for (const [endpoint, reason] of tries) {
        const error = await openOn(server, bucket, { endpoint }).catch((thrown: unknown) => thrown)
        expect(error).toMatchObject({ code: 'MEDIA_STORE_UNUSABLE', message: expect.stringMatching(reason) })
        expect(isAway(error)).toBe(true)
      }
    })

    it('notices a server that hangs, in every kind of work, and goes on when it answers again', async () => {
      const [key, large, path] = [freshKey(), freshKey(), join(folder, 'waiting')]
      await put(store, key, Buffer.from('here'))
      await put(store, large, randomBytes(20 * MIB))
      writeFileSync(path, 'to be adopted')
      const reading = (await store.read(large))[Symbol.asyncIterator]()
      await reading.next()
      const rest = async () => {
        while (!(await reading.next()).done);
      }
      server.freeze()
      const frozenMs = performance.now()
      try {
        const works: Readonly<Record<string, () => Promise<unknown>>> = {
          stat: () => store.stat(key),
          read: () => store.read(key),
          rest,
          put: () => put(store, freshKey(), randomBytes(2 * MIB)),
          adopt: () => store.adopt(freshKey(), path),
          list: () => Array.fromAsync(store.list()),
          remove: () => store.remove(key),
          sweep: () => store.sweepUnfinished(0),
        }
        const checked = expect(store.check()).rejects.toMatchObject({ code: 'MEDIA_UNAVAILABLE', retryable: true })
        const opened = expect(openOn(server, bucket)).rejects.toMatchObject({
          code: 'MEDIA_STORE_UNUSABLE',
          message: expect.stringContaining('nobody answers there'),
          retryable: true,
        })
        const outcomes = Object.entries(works).map(async ([work, run]) =>
          expect(await run().catch((thrown: unknown) => thrown), work).toMatchObject({ code: 'MEDIA_UNAVAILABLE' }),
        )
        await checked
        expect(performance.now() - frozenMs).toBeLessThan(FROZEN_MS / 2)
        await Promise.all([...outcomes, opened])
        expect(performance.now() - frozenMs).toBeLessThan(FROZEN_MS)
      } finally {
        server.thaw()
      }
      await waitFor(() => store.stat(key).catch(() => undefined), FROZEN_MS)
      await store.adopt(key.replace(/^./, 'z'), path)
      expect((await get(store, key)).toString()).toBe('here')
    }, 90_000)

    it('says at once that a server is gone, and works when it is back', async () => {
      const key = freshKey()
      await put(store, key, Buffer.from('here'))
      await server.halt()
      try {
        const away = { code: 'MEDIA_UNAVAILABLE', retryable: true }
        await expect(store.stat(key)).rejects.toMatchObject(away)
        await expect(put(store, freshKey(), Buffer.from('x'))).rejects.toMatchObject(away)
        await expect(store.check()).rejects.toMatchObject(away)
      } finally {
        await server.resume()
      }
      expect((await get(store, key)).toString()).toBe('here')
      await store.check()
    }, 90_000)
  })
}

const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

const openOn = async (
  { endpoint, credentials }: S3Server,
  bucket: string,
  other: { readonly endpoint?: string; readonly credentials?: S3Server['credentials'] } = {},
): Promise<S3MediaStore> =>
  await openS3MediaStore({
    location: { bucket, prefix: PREFIX, endpoint: other.endpoint ?? endpoint, isPathStyle: true },
    credentials: other.credentials ?? credentials,
  })
