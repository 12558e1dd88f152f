import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { tokenWith, useServer } from './support/suite.ts'

const suite = useServer()
const PATH = '/api/project/tokens'
const ask = (method: string, path: string, body?: unknown) =>
  suite.client.ask({
    method,
    path,
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })

describe('project tokens', () => {
  it('are created, used, changed and revoked, each at once', async () => {
    const { client } = suite
    const created = await ask('POST', PATH, { name: 'app', permissions: ['calling', 'storage'] })
    expect(created.status).toBe(200)
    expect(created.json).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      name: 'app',
      permissions: ['calling', 'storage'],
      token: expect.stringMatching(/^PT[0-9a-f]{48}$/),
    })
    const { id, token } = created.json
    const authorization = `Basic ${Buffer.from(`${client.credentials.projectId}:${token}`).toString('base64')}`
    const list = () => client.get('/api/relay/rest/recordings', { authorization })
    expect((await list()).status).toBe(200)

    const changed = await ask('PATCH', `${PATH}/${id}`, { permissions: ['video'] })
    expect([changed.status, changed.json]).toEqual([200, { id, name: 'app', permissions: ['video'] }])
    expect((await list()).status).toBe(401)
    await ask('PATCH', `${PATH}/${id}`, { name: 'renamed', permissions: ['calling'] })
    expect((await list()).status).toBe(200)

    const revoked = await ask('DELETE', `${PATH}/${id}`)
    expect([revoked.status, revoked.bytes.length]).toEqual([204, 0])
    expect((await list()).status).toBe(401)
    expect((await ask('DELETE', `${PATH}/${id}`)).status).toBe(404)
    expect((await ask('PATCH', `${PATH}/${id}`, { name: 'x' })).status).toBe(404)
  })

  it.each([
    ['no name', { permissions: ['calling'] }, 'invalid_name', 'name'],
    ['a blank name', { name: ' ', permissions: ['calling'] }, 'invalid_name', 'name'],
    ['a name that is no text', { name: 7, permissions: ['calling'] }, 'invalid_name', 'name'],
    ['no permissions', { name: 'a' }, 'invalid_auth_token_permissions', 'permissions'],
    ['empty permissions', { name: 'a', permissions: [] }, 'invalid_auth_token_permissions', 'permissions'],
    ['voice, which is a label', { name: 'a', permissions: ['voice'] }, 'invalid_auth_token_permissions', 'permissions'],
    [
      'permissions that are no list',
      { name: 'a', permissions: 'calling' },
      'invalid_auth_token_permissions',
      'permissions',
    ],
    [
      'a foreign subproject',
      { name: 'a', permissions: ['calling'], subproject_id: randomUUID() },
      'invalid_subproject_id',
      'subproject_id',
    ],
    ['no JSON', '{"name":', 'invalid_json', 'base'],
    ['a list', '[]', 'invalid_json', 'base'],
    ['nothing', '', 'invalid_name', 'name'],
  ])('refuse %s', async (_name, body, code, attribute) => {
    const answer = await ask('POST', PATH, body)
    expect(answer.status).toBe(422)
    expect(answer.json).toEqual({
      errors: [{ type: 'validation_error', code, message: expect.any(String), attribute, url: expect.any(String) }],
    })
  })

  it('refuse a body that is too large', async () => {
    expect((await ask('POST', PATH, `{"name":"${'x'.repeat(70_000)}"}`)).status).toBe(413)
  })

  it('of another project do not exist', async () => {
    const { id } = await tokenWith(suite.client, ['calling'])
    expect((await ask('DELETE', `${PATH}/${randomUUID()}`)).status).toBe(404)
    expect((await ask('DELETE', `${PATH}/nonsense`)).status).toBe(422)
    expect((await ask('DELETE', `${PATH}/${id}`)).status).toBe(204)
  })
})
