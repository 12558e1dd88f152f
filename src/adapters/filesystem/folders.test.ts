import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { Folders } from './folders.ts'

const root = mkdtempSync(join(tmpdir(), 'poulsen-folders-'))
afterAll(() => rmSync(root, { recursive: true }))

let count = 0
const fresh = (...names: string[]): string => join(root, `${count++}`, ...names)

it('makes a folder with its parents, private, for any number who ask at once', async () => {
  const top = fresh()
  const folders = new Folders(top)
  const paths = Array.from({ length: 50 }, (_, index) => join(top, 'a', `${index % 5}`, `${index % 10}`))
  await Promise.all(paths.map((path) => folders.ensure(path)))
  for (const path of paths) expect(statSync(path).mode & 0o777).toBe(0o700)
})

it('makes once more what was taken away, parents too, when told', async () => {
  const folders = new Folders()
  const path = fresh('a', 'b')
  await folders.ensure(path)
  rmSync(join(path, '..', '..'), { recursive: true })
  await folders.ensure(path)
  expect(existsSync(path)).toBe(false)
  folders.forget(path)
  await folders.ensure(path)
  expect(existsSync(path)).toBe(true)
})

it('refuses a file in the place of a folder, and tries again when asked again', async () => {
  const folders = new Folders()
  const [top, path] = [fresh(), fresh('a')]
  writeFileSync(top, '')
  await expect(folders.ensure(top)).rejects.toMatchObject({ code: 'ENOTDIR' })
  await expect(folders.ensure(join(top, 'a'))).rejects.toMatchObject({ code: 'ENOTDIR' })
  rmSync(top)
  await folders.ensure(join(top, 'a'))
  await folders.ensure(path)
  expect([existsSync(join(top, 'a')), existsSync(path)]).toEqual([true, true])
})
