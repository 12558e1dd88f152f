import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { wavOf } from '../acceptance/support/wav.ts'
import { CephServer } from '../support/ceph.ts'
import { waitFor } from '../support/wait-for.ts'
import { type ClusterNode, makeCluster } from './support/cluster.ts'

const INSTALL_MS = 600_000
let s3: CephServer
let server: ClusterNode

beforeAll(async () => {
  s3 = await CephServer.start()
  const { nodes } = await makeCluster(1, {
    POULSEN_MEDIA_STORE: `s3://${await s3.bucket()}/calls?endpoint=${s3.endpoint}`,
    POULSEN_MEDIA_REDIRECT_SECONDS: '60',
    AWS_ACCESS_KEY_ID: s3.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.credentials.secretAccessKey,
  })
  server = nodes[0] as ClusterNode
  await server.start()
}, INSTALL_MS)
afterAll(async () => {
  await server?.dispose()
  await s3?.stop()
})

const ask = (id: string, format = 'wav', init: RequestInit = {}) =>
  server.ask(`/files/${server.projectId}/recordings/${id}.${format}`, { redirect: 'manual', ...init })

it('sends listeners to S3 once a recording is there, and answers everything else itself', async () => {
  const [id, wav] = [randomUUID(), wavOf(1, 200_000)]
  s3.freeze()
  expect(await server.put(id, wav)).toBe(201)
  expect((await ask(id)).status).toBe(200)
  s3.thaw()
  await waitFor(async () => ((await server.waiting()) === 0 ? true : undefined), 30_000)

  const away = await ask(id)
  const url = away.headers.get('location') ?? ''
  expect([away.status, new URL(url).origin, away.headers.get('etag')]).toEqual([302, s3.endpoint, null])
  const whole = await fetch(url)
  expect([whole.status, whole.headers.get('content-type')]).toEqual([200, 'audio/wav'])
  expect(Buffer.from(await whole.arrayBuffer()).equals(wav)).toBe(true)
  const part = await fetch(url, { headers: { range: 'bytes=100-199' } })
  expect([part.status, part.headers.get('content-range')]).toEqual([206, `bytes 100-199/${wav.length}`])
  expect(Buffer.from(await part.arrayBuffer()).equals(wav.subarray(100, 200))).toBe(true)

  const head = await ask(id, 'wav', { method: 'HEAD' })
  expect([head.status, head.headers.get('content-length')]).toEqual([200, String(wav.length)])
  const etag = head.headers.get('etag') ?? ''
  expect((await ask(id, 'wav', { headers: { 'if-none-match': etag } })).status).toBe(304)
  expect((await ask(id, 'wav', { headers: { range: `bytes=${wav.length}-` } })).status).toBe(416)
  const derived = await ask(id, 'mp3')
  expect([derived.status, derived.headers.get('content-type')]).toEqual([200, 'audio/mpeg'])
  expect(await server.remove(id)).toBe(204)
  expect((await ask(id)).status).toBe(404)
  expect((await fetch(url)).status).toBe(404)
})
