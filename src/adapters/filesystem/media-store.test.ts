import { execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { describeMediaStore, freshKey, get, put } from '../../../test/contract/media-store.contract.ts'
import { openFilesystemMediaStore } from './media-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'poulsen-files-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let roots = 0
const freshRoot = (): string => join(folder, `root-${roots++}`)
const filesIn = (root: string): string[] =>
  readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory() && entry.name !== '.layout')
    .map(({ name }) => name)

describeMediaStore('filesystem', async () => ({
  store: await openFilesystemMediaStore({ root: freshRoot() }),
  close: async () => {},
}))

describe('the filesystem media store', () => {
  it('is closed to other users', async () => {
    const root = freshRoot()
    const store = await openFilesystemMediaStore({ root })
    const key = freshKey()
    await put(store, key, Buffer.from('x'))
    expect(statSync(join(root, key)).mode & 0o777).toBe(0o600)
    expect(statSync(root).mode & 0o777).toBe(0o700)
  })

  it('does not follow links out of itself', async () => {
    const root = freshRoot()
    const store = await openFilesystemMediaStore({ root })
    mkdirSync(join(root, 'a'))
    writeFileSync(join(folder, 'secret'), 'secret')
    symlinkSync(join(folder, 'secret'), join(root, 'a', 'link'))
    await expect(store.read('a/link')).rejects.toMatchObject({ code: 'MEDIA_UNAVAILABLE' })
    await expect(store.stat('a/link')).rejects.toMatchObject({ code: 'MEDIA_NOT_FOUND' })
    expect(await Array.fromAsync(store.list())).toEqual([])
  })

  it('refuses a folder that a newer program wrote', async () => {
    const root = freshRoot()
    mkdirSync(root)
    writeFileSync(join(root, '.layout'), '2\n')
    await expect(openFilesystemMediaStore({ root })).rejects.toMatchObject({ code: 'MEDIA_LAYOUT_NEWER' })
  })

  it('takes no more memory to read an object than the object has bytes', async () => {
    const store = await openFilesystemMediaStore({ root: freshRoot() })
    const key = freshKey()
    await put(store, key, Buffer.from('short'))
    for await (const chunk of await store.read(key)) expect(chunk.buffer.byteLength).toBe('short'.length)
  })

  it('keeps nothing of a writer that was killed, once it is swept', async () => {
    const root = freshRoot()
    const store = await openFilesystemMediaStore({ root })
    const key = freshKey()
    const program = `
      const { openFilesystemMediaStore } = await import(${JSON.stringify(new URL('./media-store.ts', import.meta.url).href)})
      const store = await openFilesystemMediaStore({ root: ${JSON.stringify(root)} })
      const writer = await store.open(${JSON.stringify(key)})
      await writer.append(Buffer.alloc(1_000_000))
      console.log('half')
      setInterval(() => writer, 1000)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', program])
    await once(child.stdout, 'data')
    child.kill('SIGKILL')
    await once(child, 'exit')
    await expect(store.stat(key)).rejects.toMatchObject({ code: 'MEDIA_NOT_FOUND' })
    expect(filesIn(root)).toHaveLength(1)
    expect(await store.sweepUnfinished(Date.now() - 60_000)).toBe(0)
    expect(await store.sweepUnfinished(Date.now() + 60_000)).toBe(1)
    expect(filesIn(root)).toEqual([])
  })

  it('makes folders again that were taken away under it', async () => {
    const root = freshRoot()
    const store = await openFilesystemMediaStore({ root })
    await put(store, 'a/b', Buffer.from('1'))
    rmSync(join(root, 'a'), { recursive: true })
    await expect(put(store, 'a/c', Buffer.from('2'))).rejects.toMatchObject({ code: 'MEDIA_NOT_FOUND' })
    await put(store, 'a/c', Buffer.from('2'))
    expect((await get(store, 'a/c')).toString()).toBe('2')
  })

  it('adopts a file as it is, whatever its size', async () => {
    const root = freshRoot()
    const store = await openFilesystemMediaStore({ root })
    const [key, source] = [freshKey(), join(folder, 'large')]
    writeFileSync(source, '')
    truncateSync(source, 2 ** 33)
    const { ino } = statSync(source)
    await store.prepare(key)
    expect(readdirSync(dirname(join(root, key)))).toEqual([])
    await store.adopt(key, source)
    expect(statSync(join(root, key))).toMatchObject({ ino, nlink: 1, size: 2 ** 33 })
  })

  it('adopts what a crash left between the new name and the old', async () => {
    const root = freshRoot()
    const store = await openFilesystemMediaStore({ root })
    const [key, source] = [freshKey(), join(folder, 'linked')]
    writeFileSync(source, 'all of it')
    await store.prepare(key)
    linkSync(source, join(root, key))
    await store.adopt(key, source)
    expect([statSync(join(root, key)).nlink, existsSync(source)]).toEqual([1, false])
    expect((await get(store, key)).toString()).toBe('all of it')
  })

  it('adopts into a folder that was taken away under it', async () => {
    const root = freshRoot()
    const store = await openFilesystemMediaStore({ root })
    const [key, source] = [freshKey(), join(folder, 'homeless')]
    writeFileSync(source, 'kept')
    await store.prepare(key)
    rmSync(dirname(join(root, key)), { recursive: true })
    await store.adopt(key, source)
    expect((await get(store, key)).toString()).toBe('kept')
  })

  it('adopts across file systems: whole, as often as asked, and never over another object', async () => {
    const elsewhere = mkdtempSync('/dev/shm/poulsen-adopt-')
    try {
      const root = freshRoot()
      const store = await openFilesystemMediaStore({ root })
      const [key, source, bytes] = [freshKey(), join(elsewhere, 'call'), randomBytes(3_000_000)]
      expect(statSync(elsewhere).dev).not.toBe(statSync(root).dev)
      writeFileSync(source, bytes)
      await store.adopt(key, source)
      expect((await get(store, key)).equals(bytes)).toBe(true)
      expect([filesIn(root).length, readdirSync(elsewhere)]).toEqual([1, []])
      // A crash after the copy, before the source was removed.
      writeFileSync(source, bytes)
      await store.adopt(key, source)
      expect(readdirSync(elsewhere)).toEqual([])
      writeFileSync(source, randomBytes(3_000_000))
      await expect(store.adopt(key, source)).rejects.toMatchObject({ code: 'MEDIA_CONFLICT' })
      expect([filesIn(root).length, readdirSync(elsewhere)]).toEqual([1, ['call']])
      expect((await get(store, key)).equals(bytes)).toBe(true)
    } finally {
      rmSync(elsewhere, { recursive: true })
    }
  })

  it('shares a file that stays where it is: one file with two names, or a copy across file systems', async () => {
    const other = mkdtempSync('/dev/shm/poulsen-share-')
    try {
      const [here, there] = [freshRoot(), join(other, 'root')]
      const source = join(folder, 'shared')
      writeFileSync(source, 'all of it')
      for (const [root, names, ofSource] of [
        [here, 2, 2],
        [there, 1, 2],
      ] as const) {
        const store = await openFilesystemMediaStore({ root })
        const key = freshKey()
        await store.share(key, source)
        expect((await get(store, key)).toString()).toBe('all of it')
        expect([statSync(join(root, key)).nlink, statSync(source).nlink]).toEqual([names, ofSource])
        expect(filesIn(root)).toHaveLength(1)
        await expect(store.share(freshKey(), join(folder, 'nothing'))).rejects.toMatchObject({
          code: 'MEDIA_NOT_FOUND',
        })
      }
      const store = await openFilesystemMediaStore({ root: here })
      const [{ key } = { key: '' }] = await Array.fromAsync(store.list())
      await expect(store.share(key, source)).rejects.toMatchObject({ code: 'MEDIA_CONFLICT' })
    } finally {
      rmSync(other, { recursive: true })
    }
  })

  it('says so when the disk is full, leaves nothing, and works again when there is space', async () => {
    const root = join(folder, 'small')
    mkdirSync(root)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'poulsen-test', root])
    try {
      const store = await openFilesystemMediaStore({ root })
      await put(store, 'first', randomBytes(1_000_000))
      const full = { code: 'MEDIA_DISK_FULL', kind: 'unavailable', retryable: true, hint: expect.any(String) }
      const writer = await store.open('second')
      await expect(writer.append(randomBytes(1_700_000))).rejects.toMatchObject(full)
      await writer.abort()
      expect(filesIn(root)).toEqual(['first'])
      await store.remove('first')
      await put(store, 'third', randomBytes(1_500_000))
      expect(await store.freeBytes?.()).toBeLessThan(1_000_000)
    } finally {
      execFileSync('umount', [root])
    }
  })
})
