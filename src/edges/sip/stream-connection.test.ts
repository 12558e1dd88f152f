import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { expect, it } from 'vitest'
import { FakeTimers } from '../../../test/fakes/fake-timers.ts'
import { CONNECTION_LIMITS, StreamConnection } from './stream-connection.ts'

it('a connection that closed before the calls on it ended leaves no timer behind', async () => {
  const listener = createServer().listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo
  const client = connect(port, '127.0.0.1')
  const [socket] = (await once(listener, 'connection')) as [Socket]
  const timers = new FakeTimers()
  const connection = new StreamConnection({
    protocol: 'TCP',
    remote: { address: '127.0.0.1', port },
    socket,
    receiver: { received: () => {}, refused: () => {} },
    timers,
    limits: CONNECTION_LIMITS,
    findLocal: () => Promise.reject(new Error('nobody asks')),
    onTrusted: () => {},
  })
  const release = connection.retain()
  const closed = once(socket, 'close')
  client.destroy()
  await closed
  release()
  expect(timers.pendingCount).toBe(0)
  listener.close()
})
