import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseSipListen } from './sip-listen.ts'

describe('parseSipListen', () => {
  it.each([
    ['none', []],
    ['udp:127.0.0.1:5060', [{ transport: 'udp', host: '127.0.0.1', port: 5060 }]],
    [
      'UDP:[::]:5060, tls:sip.example.com:0',
      [
        { transport: 'udp', host: '::', port: 5060 },
        { transport: 'tls', host: 'sip.example.com', port: 0 },
      ],
    ],
  ])('reads %s', (text, addresses) => expect(parseSipListen(text)).toEqual(addresses))

  it.each([
    '',
    'none,udp:127.0.0.1:5060',
    'ws:127.0.0.1:5060',
    '127.0.0.1:5060',
    'udp:127.0.0.1',
    'udp:127.0.0.1:',
    'udp:127.0.0.1:65536',
    'udp:127.0.0.1:-1',
    'udp::::5060',
    'udp:::1:5060',
    'udp:[127.0.0.1]:5060',
    'udp:[::1:5060',
    'udp:[:::::]:5060',
    'udp:-a:5060',
    'udp:127.0.0.1:5060,',
    Array.from({ length: 17 }, (_, index) => `udp:127.0.0.1:${5060 + index}`).join(','),
  ])('refuses %s', (text) => expect(parseSipListen(text)).toBeUndefined())

  it('takes sixteen, and gives back what it was given', () => {
    const address = fc.record({
      transport: fc.constantFrom('udp' as const, 'tcp' as const, 'tls' as const),
      host: fc.oneof(fc.ipV4(), fc.constantFrom('::', '::1', 'fe80::1', 'localhost', 'a.b-c.example')),
      port: fc.integer({ min: 0, max: 65_535 }),
    })
    const written = (host: string) => (host.includes(':') ? `[${host}]` : host)
    fc.assert(
      fc.property(fc.array(address, { minLength: 1, maxLength: 16 }), (addresses) => {
        const text = addresses.map(({ transport, host, port }) => `${transport}:${written(host)}:${port}`).join(',')
        expect(parseSipListen(text)).toEqual(addresses)
      }),
    )
  })
})
