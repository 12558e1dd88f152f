import { beforeEach, describe, expect, it } from 'vitest'
import { aClock, ids } from '../../test/builders/services.ts'
import { aProject } from '../../test/builders/values.ts'
import { MemoryCatalogue } from '../../test/fakes/memory-catalogue.ts'
import type { Project } from '../domain/project.ts'
import { Access, isAllowed, VERIFIED_FOR_MS, VERIFIED_MAX } from './access.ts'
import { Projects } from './projects.ts'
import { Tokens } from './tokens.ts'

/** Counts how often it is asked for a token. */
class AskedCatalogue extends MemoryCatalogue {
  asked = 0
  override findToken(digest: string) {
    this.asked += 1
    return super.findToken(digest)
  }
}

let clock: ReturnType<typeof aClock>
let catalogue: AskedCatalogue
let access: Access
let tokens: Tokens
let project: Project

beforeEach(async () => {
  clock = aClock()
  catalogue = new AskedCatalogue()
  access = new Access({ catalogue, clock })
  tokens = new Tokens({ catalogue, clock, ids, access })
  project = await new Projects({ catalogue, clock, ids, access }).create()
})

const aSecret = async (projectId = project.id) =>
  tokens.create({ projectId, name: 'x', permissions: ['calling', 'storage'] })

describe('verify', () => {
  it('knows the caller of a good pair, and what it may', async () => {
    const { secret, token } = await aSecret()
    const caller = await access.verify(project.id, secret)
    expect(caller).toEqual({ project, token })
    if (!caller) return
    expect([isAllowed(caller, 'calling'), isAllowed(caller, 'management')]).toEqual([true, false])
  })

  it('knows nobody else', async () => {
    const { secret } = await aSecret()
    const other = aProject()
    await catalogue.createProject(other)
    const good = secret.slice(0, -1)
    const pairs = [
      [other.id, secret],
      [project.id, `${good}${secret.endsWith('0') ? '1' : '0'}`],
      [project.id, secret.toLowerCase()],
      [project.id, ''],
      ['', secret],
      [`${project.id} `, secret],
      [project.id, `${secret}\0`],
    ] as const
    for (const [id, password] of pairs) expect(await access.verify(id, password), password).toBeUndefined()
  })

  it('asks the catalogue once in five seconds, and recalls without asking', async () => {
    const { secret } = await aSecret()
    expect(access.recall(project.id, secret)).toBeUndefined()
    for (let times = 0; times < 3; times += 1) await access.verify(project.id, secret)
    expect(catalogue.asked).toBe(1)
    expect(access.recall(project.id, secret)?.project).toEqual(project)
    clock.advance(VERIFIED_FOR_MS)
    expect(access.recall(project.id, secret)).toBeUndefined()
    await access.verify(project.id, secret)
    expect(catalogue.asked).toBe(2)
  })

  it('remembers no pair that was not good', async () => {
    const secret = `PT${'0'.repeat(48)}`
    await access.verify(project.id, secret)
    await access.verify(project.id, secret)
    expect(catalogue.asked).toBe(2)
  })

  it('notices a revocation here at once, and one made elsewhere within five seconds', async () => {
    const [first, second] = [await aSecret(), await aSecret()]
    for (const { secret } of [first, second]) await access.verify(project.id, secret)
    await tokens.revoke(project.id, first.token.id)
    expect(access.recall(project.id, first.secret)).toBeUndefined()
    expect(await access.verify(project.id, first.secret)).toBeUndefined()
    await access.verify(project.id, second.secret)
    await catalogue.deleteToken(project.id, second.token.id)
    clock.advance(VERIFIED_FOR_MS)
    expect(await access.verify(project.id, second.secret)).toBeUndefined()
  })

  it('remembers a bounded number of pairs', async () => {
    const first = await aSecret()
    await access.verify(project.id, first.secret)
    for (let count = 1; count < VERIFIED_MAX; count += 1) {
      const secret = `PT${count.toString(16).padStart(48, '0')}`
      await tokens.create({ projectId: project.id, name: 'x', permissions: ['calling'], secret })
      await access.verify(project.id, secret)
    }
    expect(access.recall(project.id, first.secret)).toBeDefined()
    const last = await aSecret()
    await access.verify(project.id, last.secret)
    expect(access.recall(project.id, first.secret)).toBeUndefined()
    expect(access.recall(project.id, last.secret)).toBeDefined()
  })
})
