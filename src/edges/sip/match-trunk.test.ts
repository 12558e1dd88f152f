import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Trunk, TrunkCredentials } from '../../domain/trunk.ts'
import { matchTrunk } from './match-trunk.ts'

const aTrunk = (name: string, networks: readonly string[], username?: string): Trunk => ({
  id: randomUUID(),
  projectId: randomUUID(),
  name,
  legType: 'sip',
  networks,
  ...(username !== undefined && { credentials: { username, ha1Sha256: 'a'.repeat(64), ha1Md5: 'b'.repeat(32) } }),
  codecs: [],
  createdAtMs: 0,
})
const nobody = () => false
const as =
  (username: string) =>
  (credentials: TrunkCredentials): boolean =>
    credentials.username === username
const outcome = (...parts: Parameters<typeof matchTrunk>): string => {
  const match = matchTrunk(...parts)
  return match.kind === 'trunk' ? match.trunk.name : match.kind
}

describe('matchTrunk', () => {
  it.each([
    ['10.1.2.3', ['10.0.0.0/8'], 'trunk'],
    ['11.1.2.3', ['10.0.0.0/8'], 'unknown'],
    ['10.1.2.3', ['10.1.2.3'], 'trunk'],
    ['10.1.2.4', ['10.1.2.3'], 'unknown'],
    ['::ffff:10.1.2.3', ['10.1.2.3'], 'trunk'],
    ['10.1.2.3', ['::ffff:10.1.2.3'], 'trunk'],
    ['2001:db8::1', ['2001:db8::/32'], 'trunk'],
    ['2001:DB8:0:0::1', ['2001:db8::1'], 'trunk'],
    ['2001:db9::1', ['2001:db8::/32'], 'unknown'],
    ['fe80::1%eth0', ['fe80::/10'], 'trunk'],
    ['10.1.2.3', ['::/0'], 'unknown'],
    ['10.1.2.3', ['0.0.0.0/0'], 'trunk'],
    ['10.1.2.3', ['192.168.0.0/16', '10.0.0.0/8'], 'trunk'],
    ['10.1.2.3', ['10.0.0.0/33', 'nonsense', '10.0.0.0/x'], 'unknown'],
    ['not an address', ['0.0.0.0/0'], 'unknown'],
  ])('%s in %j: %s', (address, networks, expected) =>
    expect(outcome([aTrunk('trunk', networks)], address, nobody)).toBe(expected))

  it('takes nobody for a trunk that has neither networks nor credentials', () =>
    expect(outcome([aTrunk('open', [])], '10.1.2.3', nobody)).toBe('unknown'))

  it('challenges for a trunk with credentials, and takes who proves them', () => {
    const trunks = [aTrunk('phone', [], 'alice'), aTrunk('other', [], 'bob')]
    expect(outcome(trunks, '203.0.113.9', nobody)).toBe('challenge')
    expect(outcome(trunks, '203.0.113.9', as('bob'))).toBe('other')
    expect(outcome(trunks, '203.0.113.9', as('carol'))).toBe('challenge')
  })

  it('wants both of a trunk that has both', () => {
    const trunks = [aTrunk('office', ['10.0.0.0/8'], 'alice')]
    expect(outcome(trunks, '10.1.2.3', nobody)).toBe('challenge')
    expect(outcome(trunks, '10.1.2.3', as('alice'))).toBe('office')
    expect(outcome(trunks, '11.1.2.3', as('alice'))).toBe('unknown')
  })

  it('prefers the narrowest network, then the older trunk', () => {
    const trunks = [aTrunk('wide', ['10.0.0.0/8']), aTrunk('narrow', ['10.1.0.0/16']), aTrunk('late', ['10.1.0.0/16'])]
    expect(outcome(trunks, '10.1.2.3', nobody)).toBe('narrow')
    expect(outcome(trunks, '10.2.2.3', nobody)).toBe('wide')
  })

  it('lets an open network in without a challenge, though others may prove themselves there', () => {
    const trunks = [aTrunk('anywhere', [], 'alice'), aTrunk('loopback', ['127.0.0.0/8', '::1'])]
    expect(outcome(trunks, '127.0.0.1', nobody)).toBe('loopback')
    expect(outcome(trunks, '::1', nobody)).toBe('loopback')
    expect(outcome(trunks, '127.0.0.1', as('alice'))).toBe('anywhere')
    expect(outcome(trunks, '10.0.0.1', nobody)).toBe('challenge')
  })
})
