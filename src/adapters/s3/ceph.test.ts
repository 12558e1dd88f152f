import { afterAll, beforeAll } from 'vitest'
import { describeMediaStore } from '../../../test/contract/media-store.contract.ts'
import { CephServer } from '../../../test/support/ceph.ts'
import { openS3MediaStore } from './media-store.ts'

let server: CephServer
beforeAll(async () => {
  server = await CephServer.start()
}, 300_000)
afterAll(async () => await server.stop())

describeMediaStore(
  'Ceph',
  async () => {
    const { endpoint, credentials } = server
    const location = { bucket: await server.bucket(), prefix: 'a/b', endpoint, isPathStyle: true }
    const store = await openS3MediaStore({ location, credentials })
    return { store, close: async () => store.close() }
  },
  { hasAtomicCreate: false },
)
