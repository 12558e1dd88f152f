// The reference of the upload bench: receive a body into a file, fsync it, rename it.
import { open, rename } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

const folder = process.env.FOLDER ?? '.'
let count = 0

const server = createServer(async (request, response) => {
  const name = join(folder, `upload-${count++}`)
  const file = await open(`${name}.part`, 'w')
  for await (const chunk of request) await file.write(chunk as Uint8Array)
  await file.sync()
  await file.close()
  await rename(`${name}.part`, name)
  response.writeHead(201).end()
})
server.listen(0, '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})
process.on('SIGTERM', () => process.exit(0))
