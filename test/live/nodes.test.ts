import { randomUUID } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { CallGenerator, type RunningCall } from '../../src/caller/place-call.ts'
import { wavOf } from '../acceptance/support/wav.ts'
import { CephServer } from '../support/ceph.ts'
import { PostgresServer } from '../support/postgres.ts'
import { waitFor } from '../support/wait-for.ts'
import { type ClusterNode, makeCluster } from './support/cluster.ts'

const INSTALL_MS = 600_000
const LONG_MS = 90_000
const LOST_AFTER_SECONDS = 15

let postgres: PostgresServer
let s3: CephServer
let first: ClusterNode
let second: ClusterNode

beforeAll(async () => {
  ;[postgres, s3] = await Promise.all([PostgresServer.start(), CephServer.start()])
}, INSTALL_MS)
afterAll(async () => {
  await Promise.all([postgres?.stop(), s3?.stop()])
})
beforeEach(async () => {
  const { nodes } = await makeCluster(2, {
    POULSEN_CATALOGUE: await postgres.database(),
    POULSEN_MEDIA_STORE: `s3://${await s3.bucket()}/calls?endpoint=${s3.endpoint}`,
    POULSEN_NODE_LOST_AFTER_SECONDS: String(LOST_AFTER_SECONDS),
    AWS_ACCESS_KEY_ID: s3.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.credentials.secretAccessKey,
  })
  ;[first, second] = nodes as [ClusterNode, ClusterNode]
  await first.start()
  await second.start()
}, LONG_MS)
afterEach(async () => {
  await Promise.all([first?.dispose(), second?.dispose()])
})

/** Waits until a node has nothing on its disk that others cannot reach. */
const allMoved = (node: ClusterNode) => waitFor(async () => ((await node.waiting()) === 0 ? true : undefined), 30_000)

const placeCall = async (node: ClusterNode): Promise<RunningCall & { readonly recordingId: string }> => {
  const generator = await CallGenerator.open({ target: `sip:127.0.0.1:${node.sipPort}` })
  const running = await generator.start({ durationMs: LONG_MS, seed: 1 })
  if (running.kind !== 'running') throw new Error(`not answered: ${JSON.stringify(running.invite)}`)
  const recordingId = await waitFor(async () => {
    const { data } = (await (await node.ask('/api/relay/rest/recordings')).json()) as {
      data: readonly { id: string; relay_sip_leg_id: string }[]
    }
    return data.find((each) => each.relay_sip_leg_id === running.callId)?.id
  })
  return { ...running, recordingId }
}

describe('two nodes over one PostgreSQL and one S3', () => {
  it(
    'answer for each other, while a recording is on one of them and when it has moved',
    async () => {
      const [id, wav] = [randomUUID(), wavOf(1, 200_000)]
      s3.freeze()
      expect(await first.put(id, wav)).toBe(201)
      for (const node of [first, second]) {
        expect(await node.details(id)).toMatchObject({ status: 'completed', byte_size: wav.length })
        expect(await node.media(id)).toMatchObject({ status: 200, bytes: wav })
        const part = await node.media(id, { range: 'bytes=100-199' })
        expect([part.status, part.headers.get('content-range'), part.bytes.equals(wav.subarray(100, 200))]).toEqual([
          206,
          `bytes 100-199/${wav.length}`,
          true,
        ])
        const etag = part.headers.get('etag') ?? ''
        expect((await node.media(id, { 'if-none-match': etag })).status).toBe(304)
      }
      await first.kill()
      const away = await second.media(id)
      expect([away.status, away.headers.has('retry-after')]).toEqual([503, true])
      s3.thaw()
      await first.start()
      await allMoved(first)
      await first.kill()
      expect(await second.media(id)).toMatchObject({ status: 200, bytes: wav })
    },
    LONG_MS,
  )

  it(
    'play a call that runs on the other one, and end it when it is deleted',
    async () => {
      const call = await placeCall(first)
      const growing = await waitFor(async () => {
        const heard = await second.media(call.recordingId)
        return heard.status === 200 && heard.bytes.length > 1_000 ? heard.bytes : undefined
      })
      expect(growing.subarray(0, 4).toString()).toBe('RIFF')
      expect(await second.remove(call.recordingId)).toBe(204)
      await waitFor(
        async () =>
          (await first.ask('/metrics'))
            .text()
            .then((text) => /poulsen_capture_sessions\{worker="0"\} 0/.test(text) || undefined),
        20_000,
      )
      call.hangUp()
      await call.outcome
      for (const node of [first, second]) expect((await node.media(call.recordingId)).status).toBe(404)
    },
    LONG_MS,
  )

  it(
    'lose what is deleted through the other one, before it has moved',
    async () => {
      const [gone, kept] = [randomUUID(), randomUUID()]
      s3.freeze()
      try {
        for (const id of [gone, kept]) expect(await first.put(id, wavOf(1, 20_000))).toBe(201)
        const path = `/api/relay/rest/recordings/${gone}`
        expect((await second.ask(path, { method: 'DELETE' }, LONG_MS)).status).toBe(204)
        const onDisk = () => readdirSync(join(first.dataDir, 'media'), { recursive: true }).join()
        await waitFor(() => !onDisk().includes(gone) || undefined, 20_000)
        expect(onDisk()).toContain(kept)
      } finally {
        s3.thaw()
      }
    },
    LONG_MS,
  )

  it(
    'refuse a token within five seconds of its revocation on another',
    async () => {
      const created = await first.ask('/api/project/tokens', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ name: 'short', permissions: ['calling'] }),
      })
      const { id, token } = (await created.json()) as { id: string; token: string }
      const project = Buffer.from(first.projectId).toString()
      const authorization = `Basic ${Buffer.from(`${project}:${token}`).toString('base64')}`
      const status = async () => (await second.ask('/api/relay/rest/recordings', { headers: { authorization } })).status
      expect(await status()).toBe(200)
      expect((await first.ask(`/api/project/tokens/${id}`, { method: 'DELETE' })).status).toBe(204)
      const revokedMs = performance.now()
      await waitFor(async () => ((await status()) === 401 ? true : undefined))
      expect(performance.now() - revokedMs).toBeLessThan(5_500)
    },
    LONG_MS,
  )

  it(
    'settle what a lost node has left, until it returns with the audio',
    async () => {
      const call = await placeCall(first)
      await waitFor(async () => (await first.media(call.recordingId)).bytes.length > 8_000 || undefined)
      await first.kill()
      call.hangUp()
      expect(await second.details(call.recordingId)).toMatchObject({ status: 'recording' })
      expect((await second.media(call.recordingId)).status).toBe(503)
      const lost = await waitFor(async () => {
        const details = await second.details(call.recordingId)
        return details?.status === 'failed' ? details : undefined
      }, 40_000)
      expect(lost).toMatchObject({ error_code: 'node_lost', call: { end_reason: 'node_lost' } })
      await first.start()
      const found = await waitFor(async () => {
        const details = await second.details(call.recordingId)
        return details?.status === 'completed' ? details : undefined
      })
      expect(found).toMatchObject({ error_code: 'recovered' })
      await allMoved(first)
      await first.kill()
      const { status, bytes } = await second.media(call.recordingId)
      expect([status, bytes.length]).toEqual([200, found.byte_size])

      await call.outcome
    },
    LONG_MS,
  )

  it(
    'take no third server that is one of them, nor one that keeps its media to itself',
    async () => {
      const { nodes } = await makeCluster(1, {
        ...first.environment,
        POULSEN_MEDIA_STORE: 'file',
      })
      const [alone] = nodes as [ClusterNode]
      const starting = alone.start()
      const refusal = await waitFor(() => alone.refusals[0])
      expect(refusal).toMatch(/Another server uses this catalogue/)
      await alone.dispose()
      await starting
    },
    LONG_MS,
  )
})
