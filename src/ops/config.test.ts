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
      sipListen: [
        { transport: 'udp', host: '127.0.0.1', port: 5060 },
        { transport: 'tcp', host: '127.0.0.1', port: 5060 },
      ],
      rtpPorts: { first: 30_000, last: 39_999 },
      webrtcListen: { address: '127.0.0.1', port: 8189 },
      webrtcOrigins: [],
      webrtcWavRate: 48_000,
      webrtcDemo: 'off',
      callsMax: 1000,
      callMaxSeconds: 14_400,
      mediaTimeoutSeconds: 30,
      diskReserveBytes: 268_435_456,
    })
    expect(readConfig({}, {}).captureWorkers).toBeGreaterThanOrEqual(1)
    expect(readConfig({}, {}).captureWorkers).toBeLessThanOrEqual(4)
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
    ['SIP_LISTEN', 'ws:127.0.0.1:5060', 'none, or up to 16 of udp:host:port'],
    ['RTP_PORTS', '30001-30010', 'two port numbers from 1024 to 65535'],
    ['RTP_PORTS', '30000-30000', 'two port numbers from 1024 to 65535'],
    ['RTP_PORTS', '30000-65536', 'two port numbers from 1024 to 65535'],
    ['RTP_PORTS', '80-1000', 'two port numbers from 1024 to 65535'],
    ['RTP_PORTS', '30000', 'two port numbers from 1024 to 65535'],
    ['RTP_HOST', 'localhost', 'an IP address'],
    ['CAPTURE_WORKERS', '0', 'a whole number from 1 to 64'],
    ['CALLS_MAX', '100001', 'a whole number from 1 to 100000'],
    ['CALL_MAX_SECONDS', '86401', 'a whole number of seconds'],
    ['MEDIA_TIMEOUT_SECONDS', '0', 'a whole number of seconds'],
    ['DISK_RESERVE_BYTES', '-1', 'a whole number of bytes'],
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

  it('wants a certificate where SIP is listened for over TLS', () => {
    const listen = { POULSEN_SIP_LISTEN: 'tls:127.0.0.1:5061' }
    expect(() => readConfig({}, listen)).toThrow('POULSEN_SIP_LISTEN has tls')
    const { sipListen } = readConfig({}, { ...listen, POULSEN_TLS_CERT: 'a.pem', POULSEN_TLS_KEY: 'b.pem' })
    expect(sipListen).toEqual([{ transport: 'tls', host: '127.0.0.1', port: 5061 }])
  })

  it('takes no calls when SIP_LISTEN is none', () => {
    expect(readConfig({ sipListen: 'none' }, {}).sipListen).toEqual([])
  })

  it('takes the smallest range of ports, and a host for media', () => {
    const config = readConfig({}, { POULSEN_RTP_PORTS: '1024-1025', POULSEN_RTP_HOST: '::1' })
    expect(config).toMatchObject({ rtpPorts: { first: 1024, last: 1025 }, rtpHost: '::1' })
  })

  it('gives every key a property, and no property without a key', () => {
    const all = readConfig(
      {},
      {
        POULSEN_PUBLIC_URL: 'http://a',
        POULSEN_NODE_URL: 'http://b',
        POULSEN_TLS_CERT: 'a',
        POULSEN_TLS_KEY: 'b',
        POULSEN_TRUSTED_PROXIES: '10.0.0.1, 10.0.0.0/8,::1',
        POULSEN_BOOTSTRAP_PROJECT_ID: '0199c6a2-5e1b-7c3d-8e4f-a0b1c2d3e4f5',
        POULSEN_BOOTSTRAP_TOKEN: `PT${'0'.repeat(48)}`,
        POULSEN_RTP_HOST: '192.0.2.1',
        POULSEN_WEBRTC_PUBLIC_ADDRESS: '192.0.2.2',
        POULSEN_WEBRTC_ICE_SERVERS: 'stun:stun.example.com',
      },
    )
    expect(Object.keys(all)).toHaveLength(Object.keys(CONFIG_KEYS).length)
    expect(all.trustedProxies).toEqual(['10.0.0.1', '10.0.0.0/8', '::1'])
  })
})
