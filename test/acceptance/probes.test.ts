import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { useServer } from './support/suite.ts'

/** A connection that has sent all of a request but its last line, so that a stop still has to wait for it. */
const beginRequest = async (url: string, path: string): Promise<Socket> => {
  const { hostname, port } = new URL(url)
  const socket = createConnection({ host: hostname, port: Number(port) })
  await once(socket, 'connect')
  socket.write('GET /healthz HTTP/1.1\r\nHost: probe\r\n\r\n')
  // The answer to a first whole request shows that the server has this connection in its hands.
  await once(socket, 'data')
  socket.write(`GET ${path} HTTP/1.1\r\nHost: probe\r\n`)
  return socket
}

/** Sends the last line and gives the whole answer. */
const endRequest = async (socket: Socket): Promise<string> => {
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  socket.write('\r\n')
  await once(socket, 'close')
  return Buffer.concat(chunks).toString()
}

describe('probes of a running server', () => {
  const suite = useServer()

  it('are open and say that all is well', async () => {
    const { client } = suite
    for (const [path, status] of [
      ['/healthz', 'ok'],
      ['/readyz', 'ready'],
    ] as const) {
      const answer = await client.get(path, { authorization: '' })
      expect([answer.status, answer.json]).toEqual([200, { status }])
    }
  })
})

describe('probes of a server that stops', () => {
  const suite = useServer()

  it('say that it is well, and no longer ready', async () => {
    const { client, server } = suite
    const [ready, healthy] = [await beginRequest(client.url, '/readyz'), await beginRequest(client.url, '/healthz')]
    server.signal('SIGTERM')
    const isRefused = () =>
      client.get('/healthz').then(
        () => false,
        () => true,
      )
    await expect.poll(isRefused).toBe(true)
    const [readyAnswer, healthyAnswer] = await Promise.all([endRequest(ready), endRequest(healthy)])
    expect(readyAnswer).toMatch(/^HTTP\/1\.1 503 /)
    expect(readyAnswer).toMatch(/\{"status":"stopping"\}$/)
    expect(healthyAnswer).toMatch(/^HTTP\/1\.1 200 /)
    for (const answer of [readyAnswer, healthyAnswer]) expect(answer.toLowerCase()).toContain('\r\nconnection: close')
    expect(await server.ended).toBe(0)
  })
})
