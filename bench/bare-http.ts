// The reference of the read benches: node:http that sends the bytes it was given, with the head it was given.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const { BODY = '', HEAD = '{}' } = process.env
const body = Buffer.from(BODY)
const head = { ...(JSON.parse(HEAD) as Record<string, string>), 'content-length': String(body.length) }

const server = createServer((_request, response) => {
  response.writeHead(200, head)
  response.end(body)
})
server.listen(0, '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})
process.on('SIGTERM', () => process.exit(0))
