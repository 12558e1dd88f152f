import { describe, expect, it } from 'vitest'
import { parseUuid } from '../domain/uuid.ts'
import { uuidV5 } from './uuid-v5.ts'

const DNS_NAMESPACE = '6ba7b810-9dad-11d1-80b4-00c04fd430c8'

describe('uuidV5', () => {
  it('gives what RFC 9562 §A.4 gives', () =>
    expect(uuidV5(DNS_NAMESPACE, 'www.example.com')).toBe('2ed6657d-e927-568b-95e1-2665a8aea6a2'))

  it('is a UUID, the same for the same name and another for another', () => {
    expect(parseUuid(uuidV5(DNS_NAMESPACE, ''))).toBeDefined()
    expect(uuidV5(DNS_NAMESPACE, 'ä')).toBe(uuidV5(DNS_NAMESPACE, 'ä'))
    expect(uuidV5(DNS_NAMESPACE, 'a')).not.toBe(uuidV5(DNS_NAMESPACE, 'b'))
  })
})
