import { describe, expect, it } from 'vitest'
import { parseWebRtcListen, WEBRTC_KEYS } from './webrtc-keys.ts'

describe('where WebRTC is listened for', () => {
  it.each([
    ['none', null],
    ['127.0.0.1:8189', { address: '127.0.0.1', port: 8189 }],
    ['0.0.0.0:0', { address: '0.0.0.0', port: 0 }],
    ['[::1]:65535', { address: '::1', port: 65_535 }],
    ['[::ffff:192.0.2.1]:1', { address: '::ffff:192.0.2.1', port: 1 }],
  ])('%s is read', (text, listen) => expect(parseWebRtcListen(text)).toEqual(listen))

  it.each([
    '',
    'None',
    '8189',
    '127.0.0.1',
    '127.0.0.1:',
    '127.0.0.1:65536',
    '127.0.0.1:x',
    '127.0.0.256:1',
    'localhost:8189',
    '::1:8189',
    '[::1]',
    '[::g]:1',
    '[fe80::1%eth0]:1',
    '[127.0.0.1]:8189',
    '[:::1]:1',
    ' 127.0.0.1:8189',
    'udp:127.0.0.1:8189',
  ])('%j is not', (text) => expect(parseWebRtcListen(text)).toBeUndefined())
})

describe('the address that peers are told', () => {
  const { parse } = WEBRTC_KEYS.WEBRTC_PUBLIC_ADDRESS
  it.each(['203.0.113.9', '2001:db8::9'])('may be %s', (text) => expect(parse(text)).toBe(text))
  it.each(['', 'example.com', '203.0.113.9:1', '[::1]', '203.0.113.0/24'])('may not be %j', (text) => {
    expect(parse(text)).toBeUndefined()
  })
})

describe('ICE servers', () => {
  const { parse } = WEBRTC_KEYS.WEBRTC_ICE_SERVERS
  it('are read with their users, transports and ports', () => {
    const servers = [
      'STUN:stun.example.com',
      'stun:[2001:db8::1]:3478',
      'turn:user:p%40ss/=@turn.example.com:3478?transport=udp',
      'turns:u:pass:word@turn.example.com?transport=tcp',
      'turn:turn.example.com',
      'stuns:[::ffff:192.0.2.1]:65535',
      'turn:!9;?A~:!:?~@a:0',
    ]
    expect(parse(servers.join(' , '))).toEqual([
      { uri: 'stun:stun.example.com' },
      { uri: 'stun:[2001:db8::1]:3478' },
      { uri: 'turn:turn.example.com:3478?transport=udp', username: 'user', credential: 'p%40ss/=' },
      { uri: 'turns:turn.example.com?transport=tcp', username: 'u', credential: 'pass:word' },
      { uri: 'turn:turn.example.com' },
      { uri: 'stuns:[::ffff:192.0.2.1]:65535' },
      { uri: 'turn:a:0', username: '!9;?A~', credential: '!:?~' },
    ])
  })

  it('are eight at most', () => {
    expect(parse(Array(8).fill('stun:a').join())).toHaveLength(8)
    expect(parse(Array(9).fill('stun:a').join())).toBeUndefined()
  })

  it.each([
    '',
    'stun.example.com',
    'http://stun.example.com',
    'stun:',
    'stun:a,',
    'stun:a b',
    'stun:a>;x',
    'stun:a:port',
    'stun:a?transport=sctp',
    'turn:user@a',
    'turn::pass@a',
    'turn:user:@a',
    'turn:us er:pass@a',
    'turn:user:pa\r\nss@a',
    'turn:u:p@a@b',
    'stun:a?transport=udp',
    'STUNS:a:3478?transport=tcp',
    'stun:a:65536',
    'turn:u:p@[::1]:99999?transport=udp',
    'stun:[::g]',
    'stun:[:::1]',
    'stun:[1:2:3:4:5:6:7:8:9]',
    'stun:[192.0.2.1]',
    'turn:u\u0001:p@a',
    'turn:u:p\u0000@a',
    'turn:u:p\u007f@a',
    'turn:Zoë:p@a',
    'turn:u:naïve@a',
    'turn:u:\u2028@a',
  ])('are not read of %j', (text) => expect(parse(text)).toBeUndefined())
})

describe('origins', () => {
  const { parse } = WEBRTC_KEYS.WEBRTC_ORIGINS
  it.each<[string, '*' | readonly string[]]>([
    ['*', '*'],
    ['none', []],
    ['https://app.example.com', ['https://app.example.com']],
    ['http://localhost:8080, https://[::1]:8443', ['http://localhost:8080', 'https://[::1]:8443']],
  ])('are read: %s', (text, origins) => expect(parse(text)).toEqual(origins))

  it('are 64 at most', () => {
    const many = Array.from({ length: 65 }, (_, index) => `http://h${index}`)
    expect(parse(many.slice(1).join())).toHaveLength(64)
    expect(parse(many.join())).toBeUndefined()
  })

  it.each([
    '',
    'null',
    'app.example.com',
    'https://app.example.com/',
    'https://app.example.com/path',
    'https://app.example.com:443',
    'https://APP.example.com',
    'https://user@app.example.com',
    'file:///x',
    'https://a,*',
    'https://*',
    'https://*.example.com',
    'https://a.example.com, https://b*.example.com:8443',
    'https://a,',
  ])('are not read of %j', (text) => expect(parse(text)).toBeUndefined())
})

describe('numbers and choices', () => {
  const { WEBRTC_PROJECT_MAX, WEBRTC_POSTS_PER_SECOND, WEBRTC_WAV_RATE, WEBRTC_DEMO } = WEBRTC_KEYS
  it.each([
    [WEBRTC_PROJECT_MAX, '1', 1],
    [WEBRTC_PROJECT_MAX, '100000', 100_000],
    [WEBRTC_PROJECT_MAX, '100001', undefined],
    [WEBRTC_PROJECT_MAX, '0', undefined],
    [WEBRTC_POSTS_PER_SECOND, '10000', 10_000],
    [WEBRTC_POSTS_PER_SECOND, '10001', undefined],
    [WEBRTC_POSTS_PER_SECOND, '', undefined],
    [WEBRTC_POSTS_PER_SECOND, '1.5', undefined],
    [WEBRTC_POSTS_PER_SECOND, '-1', undefined],
    [WEBRTC_POSTS_PER_SECOND, '1e2', undefined],
    [WEBRTC_WAV_RATE, '24000', 24_000],
    [WEBRTC_WAV_RATE, '44100', undefined],
    [WEBRTC_WAV_RATE, '08000', undefined],
    [WEBRTC_DEMO, 'on', 'on'],
    [WEBRTC_DEMO, 'off', 'off'],
    [WEBRTC_DEMO, 'yes', undefined],
  ])('%#: are within bounds', ({ parse }, text, value) => expect(parse(text)).toBe(value))

  it('have fallbacks that are allowed', () => {
    for (const key of Object.values(WEBRTC_KEYS)) {
      if ('fallback' in key) expect(key.parse(key.fallback)).not.toBeUndefined()
    }
  })
})
