import { describe, expect, it } from 'vitest'
import { isCandidate, rewriteCandidate } from './ice-candidate.ts'

const HOST = 'candidate:480316330 1 udp 2122194687 192.0.2.2 59989 typ host'

describe('a candidate', () => {
  it.each([
    HOST,
    `${HOST} generation 0 ufrag /TN/ network-id 1 network-cost 10`,
    'candidate:1 1 UDP 1 fd00::2 1 typ host',
    'candidate:a+/9 1 udp 2147483647 ::ffff:192.0.2.1 65535 TYP HOST',
    'candidate:1 1 udp 1685987071 203.0.113.9 4000 typ srflx raddr 0.0.0.0 rport 0',
    'candidate:1 1 udp 1 192.0.2.1 4000 typ relay raddr 192.0.2.1 rport 9',
    'candidate:1 1 udp 1 192.0.2.1 4000 typ prflx',
    `${HOST}${' x'.repeat(24)}`,
  ])('can be tried: %s', (text) => expect(isCandidate(text)).toBe(true))

  it.each([
    ['of nothing', ''],
    ['with an a= before it', `a=${HOST}`],
    ['that is a name of mDNS', HOST.replace('192.0.2.2', 'b5ad7e3e-7e8f.local')],
    ['that is a name', HOST.replace('192.0.2.2', 'example.com')],
    ['with a zone', HOST.replace('192.0.2.2', 'fe80::1%eth0')],
    ['over TCP', HOST.replace('udp', 'tcp')],
    ['of RTCP', HOST.replace(' 1 udp', ' 2 udp')],
    ['of another type', HOST.replace('host', 'other')],
    ['with port 0', HOST.replace('59989', '0')],
    ['with too high a port', HOST.replace('59989', '65536')],
    ['with priority 0', HOST.replace('2122194687', '0')],
    ['with too high a priority', HOST.replace('2122194687', '2147483648')],
    ['without a foundation', HOST.replace('480316330', '')],
    ['with two spaces', HOST.replace(' typ', '  typ')],
    ['with a space behind it', `${HOST} `],
    ['with a line behind it', `${HOST}\r\na=x`],
    ['with a line end behind it', `${HOST}\n`],
    ['with too many words', `${HOST}${' x'.repeat(25)}`],
    ['with too long a word', `${HOST} ${'x'.repeat(65)}`],
    ['with a word that is no ASCII', `${HOST} é`],
  ])('%s cannot be tried', (_what, text) => expect(isCandidate(text)).toBe(false))
})

it('is told with another address, and is otherwise the same', () => {
  const told = rewriteCandidate(`${HOST} generation 0`, '203.0.113.9')
  expect(told).toBe('candidate:480316330 1 udp 2122194687 203.0.113.9 59989 typ host generation 0')
})
