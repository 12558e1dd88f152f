import { afterAll, beforeAll } from 'vitest'
import { describeMediaStore } from '../../../test/contract/media-store.contract.ts'
import { SwiftServer } from '../../../test/support/swift.ts'
import { openS3MediaStore } from './media-store.ts'

let server: SwiftServer
beforeAll(async () => {
  server = await SwiftServer.start()
}, 300_000)
afterAll(async () => await server.stop())

describeMediaStore(
  'Swift',
  async () => {
    const { endpoint, credentials } = server
    const location = { bucket: await server.bucket(), prefix: 'a/b', endpoint, isPathStyle: true }
    const store = await openS3MediaStore({ location, credentials })
    return { store, close: async () => store.close() }
  },
  { hasAtomicCreate: false },
)
