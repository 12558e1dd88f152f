import { describe, expect, it } from 'vitest'
import { type ErrorKind, PoulsenError } from '../../domain/errors.ts'
import { type ErrorFamily, renderError, toPoulsenError } from './render-error.ts'

const anError = (kind: ErrorKind, code = 'SOME_CODE') =>
  new PoulsenError({ code, kind, message: 'What happened.', hint: 'What to do.', details: { attribute: 'id' } })

describe('every kind', () => {
  it.each<[ErrorKind, number]>([
    ['invalid', 422],
    ['unauthenticated', 401],
    ['not-found', 404],
    ['conflict', 409],
    ['too-large', 413],
    ['unsupported', 415],
    ['throttled', 429],
    ['unavailable', 503],
    ['corrupt', 500],
    ['internal', 500],
  ])('%s is %i, and says when to try again if that helps', (kind, status) => {
    for (const family of ['relay', 'own', 'project'] as ErrorFamily[]) {
      const rendered = renderError(anError(kind), family)
      expect(rendered.status).toBe(status)
      expect('retry-after' in rendered.headers).toBe(status === 503 || status === 429)
      expect('www-authenticate' in rendered.headers).toBe(status === 401)
    }
  })
})

describe('bodies', () => {
  const words = [{ detail: 'What happened. What to do.', status: '422', title: 'Invalid Attribute' }]

  it('of the relay API are the contract’s: a list for 422, a word for all else', () => {
    expect(renderError(anError('invalid'), 'relay').body).toEqual({ errors: [{ ...words[0], code: '422' }] })
    expect(renderError(anError('unauthenticated'), 'relay').body).toEqual({ error: 'Unauthorized' })
    expect(renderError(anError('not-found'), 'relay').body).toEqual({ error: 'Not Found' })
    expect(renderError(anError('unavailable'), 'relay').body).toEqual({ error: 'Service Unavailable' })
  })

  it('of our own routes have the code', () => {
    expect(renderError(anError('invalid'), 'own').body).toEqual({ errors: [{ ...words[0], code: 'SOME_CODE' }] })
    expect(renderError(anError('not-found'), 'own').body).toEqual({ error: 'Not Found' })
    const missing = { detail: 'What happened. What to do.', status: '404', title: 'Not Found', code: 'MEDIA_NOT_FOUND' }
    expect(renderError(anError('not-found', 'MEDIA_NOT_FOUND'), 'own').body).toEqual({ errors: [missing] })
    expect(renderError(anError('not-found', 'MEDIA_NOT_FOUND'), 'relay').body).toEqual({ error: 'Not Found' })
  })

  it('of the project API name the attribute', () => {
    expect(renderError(anError('invalid', 'INVALID_NAME'), 'project').body).toEqual({
      errors: [
        { type: 'validation_error', code: 'invalid_name', message: 'What happened.', attribute: 'id', url: '/docs' },
      ],
    })
  })

  it('of the unexpected say nothing of it', () => {
    const error = toPoulsenError(new TypeError('secret path /etc'))
    for (const family of ['relay', 'own', 'project'] as ErrorFamily[]) {
      expect(renderError(error, family)).toEqual({ status: 500, headers: {}, body: { error: 'Internal Server Error' } })
    }
    expect(error.cause).toBeInstanceOf(TypeError)
  })
})
