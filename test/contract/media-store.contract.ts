import { randomBytes, randomUUID } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { MediaStore } from '../../src/ports/media-store.ts'

/** A key that nobody else has. */
export const freshKey = (): string => `${randomUUID()}/aa/${randomUUID()}.${randomBytes(4).toString('hex')}`

/** Stores one object. */
export const put = async (store: MediaStore, key: string, ...chunks: Uint8Array[]): Promise<void> => {
  const writer = await store.open(key)
  for (const chunk of chunks) await writer.append(chunk)
  await writer.finalise()
}

/** Chunks are lent, so each is copied before the next is asked for. */
const collect = async (chunks: AsyncIterable<Uint8Array>): Promise<Buffer> => {
  const copies: Uint8Array[] = []
  for await (const chunk of chunks) copies.push(Uint8Array.from(chunk))
  return Buffer.concat(copies)
}

/** An object's bytes. */
export const get = async (
  store: MediaStore,
  key: string,
  range?: { startBytes: number; endBytes: number },
): Promise<Buffer> => await collect(await store.read(key, range))

/** What not every adapter can hold. */
export interface MediaStoreCapabilities {
  /** Of rivals that write the same key at the same time exactly one wins. Where it cannot be held, keys that nobody else has do. */
  readonly hasAtomicCreate: boolean
}

/** The written contract of src/ports/media-store.ts, for any adapter and for the fake. */
export const describeMediaStore = (
  name: string,
  open: () => Promise<{ readonly store: MediaStore; readonly close: () => Promise<void> }>,
  { hasAtomicCreate }: MediaStoreCapabilities = { hasAtomicCreate: true },
): void => {
  describe(`${name}: the media store's contract`, () => {
    let store: MediaStore
    let close: () => Promise<void>
    const folder = mkdtempSync(join(tmpdir(), 'poulsen-adopt-'))
    let files = 0
    /** A file of this machine that nobody else has. */
    const aFile = (bytes: Uint8Array): string => {
      const path = join(folder, `file-${files++}`)
      writeFileSync(path, bytes)
      return path
    }
    beforeAll(async () => {
      ;({ store, close } = await open())
    })
    afterAll(async () => {
      await close()
      rmSync(folder, { recursive: true })
    })

    it.each([0, 1, 1000, 3_000_000])('gives back %i bytes as they were appended', async (byteSize) => {
      const bytes = randomBytes(byteSize)
      const key = freshKey()
      await put(store, key, bytes.subarray(0, 10), bytes.subarray(10, 700_000), bytes.subarray(700_000))
      expect((await get(store, key)).equals(bytes)).toBe(true)
      expect(await store.stat(key)).toMatchObject({ key, byteSize })
      expect(Math.abs((await store.stat(key)).modifiedMs - Date.now())).toBeLessThan(60_000)
    })

    it('keeps nothing of what was appended: its buffer may be used again', async () => {
      const key = freshKey()
      const writer = await store.open(key)
      const buffer = Buffer.from('first ')
      await writer.append(buffer)
      buffer.write('second')
      await writer.append(buffer)
      buffer.fill(0)
      await writer.finalise()
      expect((await get(store, key)).toString()).toBe('first second')
    })

    it.each([
      [0, 1],
      [0, 2_000_000],
      [1_048_575, 1_048_577],
      [1_999_999, 2_000_000],
      [5, 5],
    ])('gives the range from %i to %i', async (startBytes, endBytes) => {
      const bytes = randomBytes(2_000_000)
      const key = freshKey()
      await put(store, key, bytes)
      expect((await get(store, key, { startBytes, endBytes })).equals(bytes.subarray(startBytes, endBytes))).toBe(true)
    })

    it('gives chunks of at most 1 MiB', async () => {
      const key = freshKey()
      await put(store, key, randomBytes(5_000_000))
      for await (const chunk of await store.read(key)) expect(chunk.length).toBeLessThanOrEqual(1024 ** 2)
    })

    it('shows nothing before finalise, and nothing after abort', async () => {
      const key = freshKey()
      const writer = await store.open(key)
      await writer.append(randomBytes(600_000))
      expect(writer.byteSize).toBe(600_000)
      await expect(store.stat(key)).rejects.toMatchObject({ code: 'MEDIA_NOT_FOUND' })
      await expect(store.read(key)).rejects.toMatchObject({ code: 'MEDIA_NOT_FOUND' })
      await writer.abort()
      await writer.abort()
      await expect(store.stat(key)).rejects.toMatchObject({ code: 'MEDIA_NOT_FOUND' })
    })

    it('ignores an abort after finalise', async () => {
      const key = freshKey()
      const writer = await store.open(key)
      await writer.append(Buffer.from('kept'))
      await writer.finalise()
      await writer.abort()
      expect((await get(store, key)).toString()).toBe('kept')
    })

    it('overwrites the beginning with a header', async () => {
      const key = freshKey()
      const writer = await store.open(key)
      await writer.append(Buffer.from('....audio'))
      await writer.finalise(Buffer.from('HEAD'))
      expect((await get(store, key)).toString()).toBe('HEADaudio')
    })

    it('never replaces an object: who finalises later is refused', async () => {
      const key = freshKey()
      const writers = [await store.open(key), await store.open(key)]
      for (const [index, writer] of writers.entries()) await writer.append(Buffer.from(`writer ${index}`))
      await writers[0]?.finalise()
      await expect(writers[1]?.finalise()).rejects.toMatchObject({ code: 'MEDIA_CONFLICT', kind: 'conflict' })
      await writers[1]?.abort()
      expect((await get(store, key)).toString()).toBe('writer 0')
    })

    it('adopts a file: it is an object, and no file any more', async () => {
      const [key, bytes] = [freshKey(), randomBytes(700_000)]
      const path = aFile(bytes)
      utimesSync(path, 1, 1)
      await store.prepare(key)
      await store.adopt(key, path)
      expect((await get(store, key)).equals(bytes)).toBe(true)
      expect(existsSync(path)).toBe(false)
      const stat = await store.stat(key)
      expect(stat).toMatchObject({ key, byteSize: bytes.length })
      expect(Math.abs(stat.modifiedMs - Date.now())).toBeLessThan(60_000)
      expect(await Array.fromAsync(store.list())).toContainEqual(stat)
    })

    it('adopts without having been prepared, and an empty file', async () => {
      const key = freshKey()
      await store.adopt(key, aFile(Buffer.alloc(0)))
      expect((await get(store, key)).length).toBe(0)
    })

    it('prepares more than once, and shows nothing of it', async () => {
      const key = freshKey()
      for (const _time of [1, 2]) await store.prepare(key)
      await expect(store.stat(key)).rejects.toMatchObject({ code: 'MEDIA_NOT_FOUND' })
      await put(store, key, Buffer.from('x'))
      await store.prepare(key)
      expect((await get(store, key)).toString()).toBe('x')
    })

    it('adopts once more what it has adopted, whether the file is still there or not', async () => {
      const key = freshKey()
      const path = aFile(Buffer.from('same'))
      await store.adopt(key, path)
      await store.adopt(key, path)
      writeFileSync(path, 'same')
      await store.adopt(key, path)
      expect((await get(store, key)).toString()).toBe('same')
      expect(existsSync(path)).toBe(false)
    })

    it('adopts nothing in the place of another object, and leaves the file', async () => {
      const key = freshKey()
      await put(store, key, Buffer.from('first'))
      for (const other of ['other', 'longer than the first']) {
        const path = aFile(Buffer.from(other))
        await expect(store.adopt(key, path)).rejects.toMatchObject({ code: 'MEDIA_CONFLICT', kind: 'conflict' })
        expect(readFileSync(path, 'utf8')).toBe(other)
      }
      expect((await get(store, key)).toString()).toBe('first')
    })

    it('adopts nothing where there is nothing, nor twice what was removed', async () => {
      const key = freshKey()
      const path = aFile(Buffer.from('x'))
      rmSync(path)
      await expect(store.adopt(key, path)).rejects.toMatchObject({ code: 'MEDIA_NOT_FOUND', kind: 'not-found' })
      writeFileSync(path, 'x')
      await store.adopt(key, path)
      await store.remove(key)
      await expect(store.adopt(key, path)).rejects.toMatchObject({ code: 'MEDIA_NOT_FOUND' })
    })

    it('removes once', async () => {
      const key = freshKey()
      await put(store, key, Buffer.from('x'))
      expect(await store.remove(key)).toBe(true)
      expect(await store.remove(key)).toBe(false)
      await expect(store.stat(key)).rejects.toMatchObject({ code: 'MEDIA_NOT_FOUND' })
    })

    it('does not cut a reader short when the object is removed', async () => {
      const key = freshKey()
      const bytes = randomBytes(3_000_000)
      await put(store, key, bytes)
      const chunks = await store.read(key)
      await store.remove(key)
      const left = await collect(chunks)
      expect(left.equals(bytes)).toBe(true)
    })

    it('ends a reading when its signal is aborted', async () => {
      const key = freshKey()
      await put(store, key, randomBytes(3_000_000))
      const ending = new AbortController()
      const read = async () => {
        for await (const _chunk of await store.read(key, undefined, ending.signal)) ending.abort()
      }
      await expect(read()).rejects.toThrow()
    })

    it('lists finished objects only', async () => {
      const keys = [freshKey(), freshKey(), freshKey()]
      for (const key of keys) await put(store, key, Buffer.from(key))
      const writer = await store.open(freshKey())
      await writer.append(Buffer.from('unfinished'))
      const listed = await Array.fromAsync(store.list())
      await writer.abort()
      for (const key of keys) expect(listed).toContainEqual(expect.objectContaining({ key, byteSize: key.length }))
      expect(listed.every(({ byteSize }) => byteSize !== 10)).toBe(true)
    })

    it.each([
      '',
      '..',
      'a/../b',
      '/etc/passwd',
      'a//b',
      'a/',
      'A',
      'a\0b',
      'a\\b',
      '.hidden',
      'a/.b',
      'x'.repeat(201),
      'ä',
      'a b',
    ])('refuses the key %j', async (key) => {
      const invalid = { code: 'MEDIA_KEY_INVALID' }
      await expect(store.open(key)).rejects.toMatchObject(invalid)
      await expect(store.read(key)).rejects.toMatchObject(invalid)
      await expect(store.stat(key)).rejects.toMatchObject(invalid)
      await expect(store.remove(key)).rejects.toMatchObject(invalid)
      await expect(store.prepare(key)).rejects.toMatchObject(invalid)
      const path = aFile(Buffer.from('x'))
      await expect(store.adopt(key, path)).rejects.toMatchObject(invalid)
      expect(existsSync(path)).toBe(true)
    })

    it('can say that it takes writes', async () => {
      const before = (await Array.fromAsync(store.list())).length
      await store.check()
      expect(await Array.fromAsync(store.list())).toHaveLength(before)
    })

    if (!hasAtomicCreate) return

    it('never replaces an object: of rivals exactly one wins', async () => {
      const key = freshKey()
      const rivals = Array.from({ length: 8 }, (_, index) => Buffer.from(`rival ${index}`))
      const outcomes = await Promise.allSettled(rivals.map((bytes) => put(store, key, bytes)))
      const won = outcomes.findIndex(({ status }) => status === 'fulfilled')
      const lost = outcomes.filter((outcome) => outcome.status === 'rejected')
      expect(lost).toHaveLength(7)
      for (const { reason } of lost) expect(reason).toMatchObject({ code: 'MEDIA_CONFLICT' })
      expect((await get(store, key)).toString()).toBe(`rival ${won}`)
    })

    it('adopts for one of rivals', async () => {
      const key = freshKey()
      const paths = Array.from({ length: 8 }, (_, index) => aFile(Buffer.from(`rival ${index}`)))
      const outcomes = await Promise.allSettled(paths.map((path) => store.adopt(key, path)))
      const won = outcomes.findIndex(({ status }) => status === 'fulfilled')
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      expect((await get(store, key)).toString()).toBe(`rival ${won}`)
      expect(paths.filter((path) => existsSync(path))).toHaveLength(7)
    })
  })
}
