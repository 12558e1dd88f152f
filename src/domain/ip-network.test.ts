import { BlockList, isIP } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { normaliseNetwork } from './ip-network.ts'

describe('normaliseNetwork', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1'],
    ['10.1.2.3/8', '10.0.0.0/8'],
    ['192.0.2.7/32', '192.0.2.7'],
    ['192.0.2.129/25', '192.0.2.128/25'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['1.2.3.4/0', '0.0.0.0/0'],
    ['::/0', '::/0'],
    ['::1', '::1'],
    ['0:0:0:0:0:0:0:1/128', '::1'],
    ['2001:DB8::0001:0', '2001:db8::1:0'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:0:1:2:3:4:5:6', '2001:0:1:2:3:4:5:6'],
    ['fe80::1/10', 'fe80::/10'],
    ['1::', '1::'],
    ['::ffff:10.1.2.3', '10.1.2.3'],
    ['::ffff:a01:203/104', '10.0.0.0/8'],
    ['::ffff:0:0/95', '::fffe:0:0/95'],
    ['64:ff9b::192.0.2.1', '64:ff9b::c000:201'],
  ])('makes %s %s', (text, canonical) => expect(normaliseNetwork(text)).toBe(canonical))

  it.each([
    '',
    '/8',
    'localhost',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/08',
    '10.0.0.0/8/8',
    '10.0.0.0/',
    '10.0.0',
    '10.0.0.256',
    '010.0.0.1',
    ' 10.0.0.1',
    '::/129',
    ':::',
    '::1::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7::8',
    '1.2.3.4::',
    '::12345',
    'fe80::1%eth0',
    '1'.repeat(100),
  ])('refuses %s', (text) => expect(normaliseNetwork(text)).toBeUndefined())

  it('keeps every address in its network, and is its own canonical form', () => {
    const network = fc.oneof(
      fc.record({ address: fc.ipV4(), bits: fc.nat(32), family: fc.constant('ipv4' as const) }),
      fc.record({ address: fc.ipV6(), bits: fc.nat(128), family: fc.constant('ipv6' as const) }),
    )
    fc.assert(
      fc.property(network, ({ address, bits, family }) => {
        const canonical = normaliseNetwork(`${address}/${bits}`) ?? ''
        expect(normaliseNetwork(canonical)).toBe(canonical)
        const [base = '', prefix] = canonical.split('/')
        const isV6 = isIP(base) === 6
        const list = new BlockList()
        list.addSubnet(base, Number(prefix ?? (isV6 ? 128 : 32)), isV6 ? 'ipv6' : 'ipv4')
        expect(list.check(address, family)).toBe(true)
      }),
    )
  })

  it('says of every text whether it is an address as node does', () => {
    const text = fc.oneof(fc.ipV4(), fc.ipV6(), fc.stringMatching(/^[0-9a-f:.]{1,20}$/))
    fc.assert(
      fc.property(text, (address) => {
        expect(normaliseNetwork(address) !== undefined).toBe(isIP(address) !== 0)
      }),
      { numRuns: 1000 },
    )
  })
})
