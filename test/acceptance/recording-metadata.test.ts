import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { tokenWith, useServer } from './support/suite.ts'
import { wavOf } from './support/wav.ts'

const suite = useServer()

describe.each(['metadata', 'metadata.xml'])('GET /v1/recordings/{id}/%s of an upload', (name) => {
  it('is not there, for who may ask', async () => {
    const { client } = suite
    const { id } = await client.store(wavOf(3, 100))
    for (const path of [`/v1/recordings/${id}/${name}`, `/v1/recordings/${randomUUID()}/${name}`]) {
      const answer = await client.get(path)
      expect([answer.status, answer.json]).toEqual([404, { error: 'Not Found' }])
    }
    const { authorization } = await tokenWith(client, ['storage', 'management'])
    const wrong = [
      await client.get(`/v1/recordings/${id}/${name}`, { authorization: '' }),
      await client.get(`/v1/recordings/${id}/${name}`, { authorization }),
    ]
    for (const answer of wrong) expect([answer.status, answer.json]).toEqual([401, { error: 'Unauthorized' }])
    expect((await client.get(`/v1/recordings/seven/${name}`)).status).toBe(422)
  })
})
