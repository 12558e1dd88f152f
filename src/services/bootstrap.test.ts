import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { aClock, ids } from '../../test/builders/services.ts'
import { aProject } from '../../test/builders/values.ts'
import { MemoryCatalogue } from '../../test/fakes/memory-catalogue.ts'
import { Access } from './access.ts'
import { bootstrap } from './bootstrap.ts'
import { Projects } from './projects.ts'
import { Tokens } from './tokens.ts'
import { Trunks } from './trunks.ts'

const SECRET = `PT${'0'.repeat(48)}`
let catalogue: MemoryCatalogue
const start = (request: Parameters<typeof bootstrap>[1] = {}) => {
  const clock = aClock()
  const ports = { catalogue, clock, ids, access: new Access({ catalogue, clock }) }
  const trunks = new Trunks(ports)
  return bootstrap({ catalogue, projects: new Projects(ports), tokens: new Tokens(ports), trunks }, request)
}

beforeEach(() => {
  catalogue = new MemoryCatalogue()
})

describe('the first start', () => {
  it.each([
    ['on its own', {}],
    ['with a project and a token of its own', { projectId: randomUUID(), secret: SECRET }],
  ])('%s makes one trunk for calls from this machine', async (_name, request) => {
    const made = await start(request)
    expect(made).toMatchObject(request)
    const loopback = { projectId: made?.projectId, name: 'loopback', legType: 'sip', codecs: [] }
    expect(await catalogue.listTrunks()).toMatchObject([{ ...loopback, networks: ['127.0.0.0/8', '::1'] }])
  })

  it('makes it once: what was deleted stays away, and what was changed stays so', async () => {
    await start()
    const [trunk] = await catalogue.listTrunks()
    await catalogue.deleteTrunk(trunk?.id ?? '')
    expect(await start()).toBeUndefined()
    await start({ projectId: randomUUID(), secret: SECRET })
    expect(await catalogue.listTrunks()).toEqual([])
    expect(await catalogue.listProjects()).toHaveLength(2)
  })

  it('makes it once, too, when another node starts for the first time meanwhile', async () => {
    const request = { projectId: randomUUID(), secret: SECRET }
    const listProjects = catalogue.listProjects.bind(catalogue)
    catalogue.listProjects = async () => {
      const listed = await listProjects()
      catalogue.listProjects = listProjects
      expect(await start(request)).toEqual(request)
      return listed
    }
    expect(await start(request)).toBeUndefined()
    expect(await catalogue.listTrunks()).toHaveLength(1)
  })

  it('leaves a project alone that somebody else has made', async () => {
    const project = aProject()
    await catalogue.createProject(project)
    expect(await start()).toBeUndefined()
    expect(await start({ secret: SECRET })).toEqual({ projectId: project.id, secret: SECRET })
    expect(await catalogue.listTrunks()).toEqual([])
  })
})
