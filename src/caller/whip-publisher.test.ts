import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { Pacer } from './pacer.ts'
import { publish } from './whip-publisher.ts'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

/** A WHIP endpoint that answers every offer alike. */
const endpoint = async (status: number, body: string): Promise<string> => {
  const server = createServer((_request, response) => {
    response.writeHead(status, { location: '/session' }).end(body)
  })
  servers.push(server.listen(0, '127.0.0.1'))
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/whip/here`
}

const frames = { frame: () => new Uint8Array(1), free: () => {} }
const publishTo = (url: string) => publish({ url, token: 'a', tracks: [{ durationMs: 1_000, frames }] }, new Pacer())

it('says at once that an answer is none, and leaves nothing behind that fails later', async () => {
  await expect(publishTo(await endpoint(201, 'v=0'))).rejects.toMatchObject({ code: 'CALL_UNREACHABLE' })
})

it('gives back a refusal', async () => {
  expect(await publishTo(await endpoint(503, 'no room'))).toEqual({ status: 503, body: 'no room' })
})
