import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { aClock, ids } from '../../../test/builders/services.ts'
import { aProject } from '../../../test/builders/values.ts'
import { MemoryCatalogue } from '../../../test/fakes/memory-catalogue.ts'
import type { Permission } from '../../domain/token.ts'
import { Access, digestOf } from '../../services/access.ts'
import { PublishTokens } from '../../services/publish-tokens.ts'
import { findPublisher } from './publisher.ts'

const UNAUTHORIZED = { code: 'UNAUTHORIZED' }
const project = aProject()
let catalogue: MemoryCatalogue
let services: Parameters<typeof findPublisher>[0]

beforeEach(async () => {
  const clock = aClock()
  catalogue = new MemoryCatalogue()
  await catalogue.createProject(project)
  services = {
    access: new Access({ catalogue, clock }),
    publishTokens: new PublishTokens({ catalogue, clock, ids }),
  }
})

describe('who has a publish token', () => {
  const create = async () => {
    const made = { projectId: project.id, endpoint: 'support', metadata: { a: 'b' }, lifeSeconds: 60 }
    return (await services.publishTokens.create(made)).secret
  }

  it('may publish once, with what it was made for', async () => {
    const secret = await create()
    const publisher = await findPublisher(services, secret, 'support')
    expect(publisher).toMatchObject({ project, metadata: { a: 'b' } })
    const late = await findPublisher(services, secret, 'support')
    await publisher.claim()
    await expect(late.claim()).rejects.toMatchObject(UNAUTHORIZED)
    await expect(findPublisher(services, secret, 'support')).rejects.toMatchObject(UNAUTHORIZED)
  })

  it('may once more when that has come to nothing', async () => {
    const secret = await create()
    const unclaim = await (await findPublisher(services, secret, 'support')).claim()
    await unclaim()
    const again = await findPublisher(services, secret, 'support')
    await again.claim()
    await expect(again.claim()).rejects.toMatchObject(UNAUTHORIZED)
  })

  it('may not on another endpoint', async () => {
    await expect(findPublisher(services, await create(), 'sales')).rejects.toMatchObject(UNAUTHORIZED)
  })
})

describe('who has a project token', () => {
  const create = async (...permissions: readonly Permission[]) => {
    const secret = `PT${randomUUID().replaceAll('-', '').padEnd(48, '0')}`
    await catalogue.createToken({
      projectId: project.id,
      id: randomUUID(),
      name: 'a token',
      permissions,
      digest: digestOf(secret),
      createdAtMs: 0,
    })
    return secret
  }

  it('that has calling may publish as often as they like', async () => {
    const publisher = await findPublisher(services, await create('calling'), 'support')
    expect(publisher).toMatchObject({ project, legId: undefined, metadata: undefined })
    for (let times = 0; times < 2; times += 1) await (await publisher.claim())()
    await publisher.claim()
  })

  it('that has not may not', async () => {
    await expect(findPublisher(services, await create('storage'), 'support')).rejects.toMatchObject(UNAUTHORIZED)
  })
})
