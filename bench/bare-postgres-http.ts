// The reference of the PostgreSQL bench: node:http that looks each recording up by the same statement over as many connections, and sends the bytes it was given.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import pg from 'pg'

const { BODY = '', HEAD = '{}', DATABASE, STATEMENT, PROJECT, POOL_MAX } = process.env
const body = Buffer.from(BODY)
const head = { ...(JSON.parse(HEAD) as Record<string, string>), 'content-length': String(body.length) }
const pool = new pg.Pool({ connectionString: DATABASE, max: Number(POOL_MAX) })

const server = createServer(async ({ url = '' }, response) => {
  const values = [PROJECT, url.slice(url.lastIndexOf('/') + 1)]
  const { rows } = await pool.query({ name: 'find', text: STATEMENT ?? '', values, rowMode: 'array' })
  response.writeHead(rows.length === 1 ? 200 : 404, head)
  response.end(body)
})
server.listen(0, '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})
process.on('SIGTERM', () => process.exit(0))
