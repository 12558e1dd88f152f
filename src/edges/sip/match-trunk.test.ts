import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Trunk, TrunkCredentials } from '../../domain/trunk.ts'
import { matchTrunk, type Sender } from './match-trunk.ts'

const aTrunk = (
  name: string,
  networks: readonly string[],
  username?: string,
  certificates: readonly string[] = [],
): Trunk => ({
  id: randomUUID(),
  projectId: randomUUID(),
  name,
  legType: 'sip',
  networks,
  ...(username !== undefined && { credentials: { username, ha1Sha256: 'a'.repeat(64), ha1Md5: 'b'.repeat(32) } }),
  certificates,
  layout: 'stereo',
  requiresSecureMedia: false,
  keepsMetadata: true,
  codecs: [],
  createdAtMs: 0,
})
const nobody = () => false
const as =
  (username: string) =>
  (credentials: TrunkCredentials): boolean =>
    credentials.username === username
const outcome = (
  trunks: readonly Trunk[],
  sender: string | Sender,
  isProven: (credentials: TrunkCredentials) => boolean,
): string => {
  const match = matchTrunk(trunks, typeof sender === 'string' ? { address: sender } : sender, isProven)
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

describe('matchTrunk with certificates', () => {
  const [ours, theirs] = ['aa'.repeat(32), 'bb'.repeat(32)]
  const from = (address: string, certificate?: string): Sender => ({ address, certificate })

  it('takes who has one of them from anywhere, and nobody else', () => {
    const trunks = [aTrunk('src', [], undefined, ['cc'.repeat(32), ours])]
    expect(outcome(trunks, from('203.0.113.9', ours), nobody)).toBe('src')
    expect(outcome(trunks, from('2001:db8::1', ours), nobody)).toBe('src')
    expect(outcome(trunks, from('203.0.113.9', theirs), nobody)).toBe('uncertified')
    expect(outcome(trunks, from('203.0.113.9'), nobody)).toBe('unknown')
  })

  it('wants it beside a network', () => {
    const trunks = [aTrunk('src', ['10.0.0.0/8'], undefined, [ours])]
    expect(outcome(trunks, from('10.1.2.3', ours), nobody)).toBe('src')
    expect(outcome(trunks, from('10.1.2.3', theirs), nobody)).toBe('uncertified')
    expect(outcome(trunks, from('10.1.2.3'), nobody)).toBe('uncertified')
    expect(outcome(trunks, from('11.1.2.3', ours), nobody)).toBe('unknown')
  })

  it('wants it beside a password, and tells strangers nothing of that', () => {
    const asked: string[] = []
    const trunks = [aTrunk('src', [], 'alice', [ours])]
    const alice = ({ username }: TrunkCredentials) => asked.push(username) > 0
    expect(outcome(trunks, from('10.1.2.3', ours), nobody)).toBe('challenge')
    expect(outcome(trunks, from('10.1.2.3'), alice)).toBe('unknown')
    expect(outcome(trunks, from('10.1.2.3', theirs), alice)).toBe('uncertified')
    expect(asked).toEqual([])
    expect(outcome(trunks, from('10.1.2.3', ours), alice)).toBe('src')
  })

  it('wants all three of a trunk that has all three', () => {
    const trunks = [aTrunk('src', ['10.0.0.0/8'], 'alice', [ours])]
    expect(outcome(trunks, from('10.1.2.3', ours), as('alice'))).toBe('src')
    expect(outcome(trunks, from('10.1.2.3', ours), nobody)).toBe('challenge')
    expect(outcome(trunks, from('10.1.2.3'), as('alice'))).toBe('uncertified')
    expect(outcome(trunks, from('11.1.2.3', ours), as('alice'))).toBe('unknown')
  })

  it('prefers a certificate to the narrowest network, and the narrower network of two certificates', () => {
    const trunks = [
      aTrunk('host', ['10.1.2.3']),
      aTrunk('certified', [], undefined, [ours]),
      aTrunk('certified there', ['10.0.0.0/8'], undefined, [ours]),
    ]
    expect(outcome(trunks, from('10.1.2.3', ours), nobody)).toBe('certified there')
    expect(outcome(trunks, from('11.1.2.3', ours), nobody)).toBe('certified')
    expect(outcome(trunks, from('10.1.2.3', theirs), nobody)).toBe('host')
    expect(outcome(trunks, from('10.1.2.3'), nobody)).toBe('host')
  })

  it('lets a proof of a user name decide before a certificate', () => {
    const trunks = [aTrunk('certified', [], undefined, [ours]), aTrunk('phone', [], 'alice')]
    expect(outcome(trunks, from('10.1.2.3', ours), as('alice'))).toBe('phone')
    expect(outcome(trunks, from('10.1.2.3', ours), nobody)).toBe('certified')
  })

  it('does not mind a certificate that nobody asked for', () => {
    const trunks = [
      aTrunk('certified', [], undefined, [ours]),
      aTrunk('pbx', ['10.0.0.0/8']),
      aTrunk('phone', [], 'alice'),
    ]
    expect(outcome(trunks, from('10.1.2.3', theirs), nobody)).toBe('pbx')
    expect(outcome(trunks, from('11.1.2.3', theirs), nobody)).toBe('challenge')
    expect(outcome(trunks, from('11.1.2.3', theirs), as('alice'))).toBe('phone')
  })

  it('does not let a wider network make up for a certificate that is missing', () => {
    const trunks = [aTrunk('anybody', ['0.0.0.0/0']), aTrunk('certified', ['10.0.0.0/8'], undefined, [ours])]
    expect(outcome(trunks, from('10.1.2.3'), nobody)).toBe('uncertified')
    expect(outcome(trunks, from('10.1.2.3', ours), nobody)).toBe('certified')
    expect(outcome(trunks, from('11.1.2.3'), nobody)).toBe('anybody')
  })
})
