import { createHash, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { tokenWith, useServer } from './support/suite.ts'
import { wavOf } from './support/wav.ts'

const suite = useServer()
const speech = readFileSync('assets/call.wav')

describe('GET /v1/recordings/{id} of an upload', () => {
  it('is the relay answer and the exact fields', async () => {
    const { client } = suite
    const { id } = await client.store(speech)
    const [relay, own] = [
      await client.get(`/api/relay/rest/recordings/${id}`),
      await client.get(`/v1/recordings/${id}`),
    ]
    expect(own.status).toBe(200)
    const { duration_ms, codec, sample_rate_hz, channels, format, sha256, ...rest } = own.json
    expect(rest).toEqual(relay.json)
    expect(Math.round((duration_ms as number) / 1000)).toBe(relay.json.duration_in_seconds)
    expect({ codec, sample_rate_hz, channels, format, sha256 }).toEqual({
      codec: expect.stringMatching(/^pcm_/),
      sample_rate_hz: 8000,
      channels: 2,
      format: 'wav',
      sha256: createHash('sha256').update(speech).digest('hex'),
    })
  })

  it('is for who may call, and gone with the recording', async () => {
    const { client } = suite
    const { id } = await client.store(wavOf(3, 100))
    const path = `/v1/recordings/${id}`
    const { authorization } = await tokenWith(client, ['storage', 'management'])
    const wrong = [await client.get(path, { authorization: '' }), await client.get(path, { authorization })]
    for (const answer of wrong) expect([answer.status, answer.json]).toEqual([401, { error: 'Unauthorized' }])
    expect((await client.get('/v1/recordings/seven')).status).toBe(422)
    await client.ask({ method: 'DELETE', path: `/api/relay/rest/recordings/${id}` })
    for (const gone of [path, `/v1/recordings/${randomUUID()}`]) {
      const answer = await client.get(gone)
      expect([answer.status, answer.json]).toEqual([404, { error: 'Not Found' }])
    }
  })
})
