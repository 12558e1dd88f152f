import { describe, expect, it } from 'vitest'
import { readConfig } from './config.ts'
import { CONFIG_KEYS } from './config-keys.ts'

describe('readConfig', () => {
  it('has a default for everything that is not optional', () => {
    expect(readConfig({}, {})).toMatchObject({
      host: '127.0.0.1',
      port: 8080,
      dataDir: './data',
      statusVocabulary: 'rest',
    })
  })

  it('takes flags over the environment over defaults', () => {
    const environment = { POULSEN_PORT: '1', POULSEN_HOST: '::1', PATH: 'x' }
    expect(readConfig({ port: '2' }, environment)).toMatchObject({ port: 2, host: '::1' })
  })

  it.each([
    ['PORT', '65536', 'a whole number from 0 to 65535'],
    ['PORT', 'http', 'a whole number from 0 to 65535'],
    ['PUBLIC_URL', 'https://example.com/path', 'an http or https origin without a path'],
    ['PUBLIC_URL', 'ftp://example.com', 'an http or https origin'],
    ['TRUSTED_PROXIES', '10.0.0.0/33', 'IP addresses or networks'],
    ['TRUSTED_PROXIES', 'localhost', 'IP addresses or networks'],
    ['LOG_LEVEL', 'loud', 'trace, debug'],
    ['BOOTSTRAP_PROJECT_ID', 'me', 'a UUID'],
    ['STATUS_VOCABULARY', 'REST', 'rest or event'],
    ['UPLOAD_MAX_BYTES', '0', 'a whole number of bytes'],
    ['UPLOAD_IDLE_SECONDS', '1.5', 'a whole number of seconds'],
  ])('refuses %s=%s in one line with key, value and what is allowed', (name, text, allowed) => {
    const read = () => readConfig({}, { [`POULSEN_${name}`]: text })
    expect(read).toThrow(`POULSEN_${name}=${text} is not allowed; allowed: ${allowed}`)
  })

  it('never shows a bad secret', () => {
    expect(() => readConfig({}, { POULSEN_BOOTSTRAP_TOKEN: 'PTsecret' })).toThrow(/^POULSEN_BOOTSTRAP_TOKEN=\(hidden\)/)
  })

  it('refuses a setting that does not exist, so that no misspelt one is ignored', () => {
    expect(() => readConfig({}, { POULSEN_PROT: '80' })).toThrow('POULSEN_PROT is not a setting')
  })

  it('wants both halves of TLS', () => {
    expect(() => readConfig({}, { POULSEN_TLS_CERT: 'a.pem' })).toThrow('go together')
  })

  it('gives every key a property, and no property without a key', () => {
    const all = readConfig(
      {},
      {
        POULSEN_PUBLIC_URL: 'http://a',
        POULSEN_TLS_CERT: 'a',
        POULSEN_TLS_KEY: 'b',
        POULSEN_TRUSTED_PROXIES: '10.0.0.1, 10.0.0.0/8,::1',
        POULSEN_BOOTSTRAP_PROJECT_ID: '0199c6a2-5e1b-7c3d-8e4f-a0b1c2d3e4f5',
        POULSEN_BOOTSTRAP_TOKEN: `PT${'0'.repeat(48)}`,
      },
    )
    expect(Object.keys(all)).toHaveLength(Object.keys(CONFIG_KEYS).length)
    expect(all.trustedProxies).toEqual(['10.0.0.1', '10.0.0.0/8', '::1'])
  })
})
