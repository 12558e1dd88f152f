import { createHash, randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { aClock, ids } from '../../test/builders/services.ts'
import { aProject } from '../../test/builders/values.ts'
import { MemoryCatalogue } from '../../test/fakes/memory-catalogue.ts'
import type { Project } from '../domain/project.ts'
import { type NewPublishToken, PublishTokens } from './publish-tokens.ts'

/** Notes what is kept. */
class WatchedCatalogue extends MemoryCatalogue {
  readonly kept: unknown[] = []

  override createPublishToken(token: Parameters<MemoryCatalogue['createPublishToken']>[0]): Promise<void> {
    this.kept.push(token)
    return super.createPublishToken(token)
  }
}

let clock: ReturnType<typeof aClock>
let catalogue: WatchedCatalogue
let publishTokens: PublishTokens
let project: Project

beforeEach(async () => {
  clock = aClock()
  catalogue = new WatchedCatalogue()
  publishTokens = new PublishTokens({ catalogue, clock, ids })
  project = aProject()
  await catalogue.createProject(project)
})

const create = (parts: Partial<NewPublishToken> = {}) =>
  publishTokens.create({ projectId: project.id, endpoint: 'support', metadata: {}, lifeSeconds: 60, ...parts })

describe('a publish token', () => {
  it('has what was said, and a secret of which only the digest is kept', async () => {
    const [legId, metadata] = [randomUUID(), { agent: 'Zoë' }]
    const { token, secret } = await create({ legId, metadata })
    expect(secret).toMatch(/^PW[0-9a-f]{48}$/)
    expect(token).toEqual({
      projectId: project.id,
      endpoint: 'support',
      digest: createHash('sha256').update(secret).digest('hex'),
      expiresAtMs: clock.nowMs() + 60_000,
      legId,
      metadata,
      isUsed: false,
    })
    expect(catalogue.kept).toEqual([token])
    expect(JSON.stringify(catalogue.kept)).not.toContain(secret.slice(2))
  })

  it('has a secret of its own, whatever it is for', async () => {
    const secrets = await Promise.all(Array.from({ length: 20 }, async () => (await create()).secret))
    expect(new Set(secrets).size).toBe(20)
  })

  it('is of a project that exists', async () => {
    await expect(create({ projectId: randomUUID() })).rejects.toMatchObject({ code: 'CATALOGUE_NOT_FOUND' })
  })

  it('is found with its project by its secret, for its endpoint', async () => {
    const { token, secret } = await create()
    expect(await publishTokens.find(secret, 'support')).toEqual({ token, project })
    expect(await publishTokens.find(secret, 'sales')).toBeUndefined()
    expect(await publishTokens.find(secret, 'Support')).toBeUndefined()
  })

  it.each([
    '',
    'PW',
    `PT${'0'.repeat(48)}`,
    `PW${'0'.repeat(48)}`,
    `PW${'0'.repeat(49)}`,
    `PW${'0'.repeat(48)}\n`,
  ])('is not found by %j', async (secret) => {
    await create()
    expect(await publishTokens.find(secret, 'support')).toBeUndefined()
  })

  it('is not found by its digest, nor by its secret in other letters', async () => {
    const { token, secret } = await create()
    for (const text of [token.digest, `PW${token.digest.slice(0, 48)}`, secret.toLowerCase(), ` ${secret}`])
      expect(await publishTokens.find(text, 'support')).toBeUndefined()
  })

  it('is good until it expires, and not then', async () => {
    const { token, secret } = await create({ lifeSeconds: 1 })
    clock.advance(999)
    expect(await publishTokens.find(secret, 'support')).toEqual({ token, project })
    clock.advance(1)
    expect(await publishTokens.find(secret, 'support')).toBeUndefined()
    expect(await publishTokens.use(token)).toBe(false)
  })

  it('is used once, and found no more then', async () => {
    const { token, secret } = await create()
    expect(await publishTokens.use(token)).toBe(true)
    expect(await publishTokens.use(token)).toBe(false)
    expect(await publishTokens.find(secret, 'support')).toBeUndefined()
  })

  it('is good again when its use has come to nothing, until it expires', async () => {
    const { token, secret } = await create({ lifeSeconds: 1 })
    await publishTokens.use(token)
    await publishTokens.free(token)
    expect(await publishTokens.find(secret, 'support')).toEqual({ token, project })
    expect(await publishTokens.use(token)).toBe(true)
    await publishTokens.free(token)
    clock.advance(1_000)
    expect(await publishTokens.find(secret, 'support')).toBeUndefined()
  })

  it('is used by one of two who come at once', async () => {
    const { secret } = await create()
    const found = await Promise.all([1, 2].map(() => publishTokens.find(secret, 'support')))
    const uses = await Promise.all(found.map((each) => each && publishTokens.use(each.token)))
    expect(uses.toSorted()).toEqual([false, true])
  })

  it('is gone with its project', async () => {
    const { token, secret } = await create()
    await catalogue.deleteProject(project.id)
    expect(await publishTokens.find(secret, 'support')).toBeUndefined()
    expect(await publishTokens.use(token)).toBe(false)
  })
})
