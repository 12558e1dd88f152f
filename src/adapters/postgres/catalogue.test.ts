import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aTelemetry } from '../../../test/builders/services.ts'
import { aProject, aRecording } from '../../../test/builders/values.ts'
import { describeCatalogue } from '../../../test/contract/catalogue.contract.ts'
import { PostgresServer } from '../../../test/support/postgres.ts'
import { POSTGRES_MAJORS } from '../../../test/support/postgres-packages.ts'
import { waitFor } from '../../../test/support/wait-for.ts'
import { openPostgresCatalogue } from './catalogue.ts'

let server: PostgresServer
const open = async (url?: string) =>
  openPostgresCatalogue({ url: url ?? (await server.database()), telemetry: aTelemetry() })

describe.each(POSTGRES_MAJORS)('PostgreSQL %i', (major) => {
  beforeAll(async () => {
    server = await PostgresServer.start({ major })
    const [version] = await server.run('SHOW server_version')
    expect(Number.parseInt(String(version?.server_version), 10)).toBe(major)
  }, 300_000)
  afterAll(() => server?.stop())

  describeCatalogue(`postgres ${major}`, () => open())

  describe('the PostgreSQL catalogue', () => {
    it('is made once, whoever starts first', async () => {
      const url = await server.database()
      const nodes = await Promise.all(Array.from({ length: 5 }, () => open(url)))
      const project = aProject()
      await nodes[0]?.createProject(project)
      for (const node of nodes) expect(await node.findProject(project.id)).toEqual(project)
      await Promise.all(nodes.map((node) => node.close()))
    })

    it('of a newer program stops the start', async () => {
      const url = await server.database()
      const catalogue = await open(url)
      await catalogue.close()
      await expect(openPostgresCatalogue({ url, telemetry: aTelemetry(), migrations: [] })).rejects.toMatchObject({
        code: 'CATALOGUE_NEWER',
      })
    })

    it('that only reads any more, as after a failover, is read, and refuses writes for now', async () => {
      const url = await server.database()
      const catalogue = await open(url)
      const project = aProject()
      await catalogue.createProject(project)
      const name = new URL(url).pathname.slice(1)
      await server.run(`ALTER DATABASE ${name} SET default_transaction_read_only = on`)
      await server.run(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`)
      const found = () => catalogue.findProject(project.id).catch(() => undefined)
      expect(await waitFor(found)).toEqual(project)
      await expect(catalogue.createProject(aProject())).rejects.toMatchObject({ code: 'CATALOGUE_UNAVAILABLE' })
      expect(await catalogue.findProject(project.id)).toEqual(project)
      await catalogue.close()
    })

    it('takes no more work once it is closed', async () => {
      const catalogue = await open()
      await catalogue.close()
      await catalogue.close()
      await expect(catalogue.findProject(aProject().id)).rejects.toMatchObject({ code: 'CATALOGUE_UNAVAILABLE' })
      await expect(catalogue.createRecording(aRecording(''))).rejects.toMatchObject({ code: 'CATALOGUE_UNAVAILABLE' })
    })
  })
})
