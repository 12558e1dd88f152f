import { BlockList, isIP } from 'node:net'
import type { Trunk, TrunkCredentials } from '../../domain/trunk.ts'
import { plainAddress } from './flow.ts'

/** Whose call it is; `challenge`: of a trunk that wants a proof first; `unknown`: nobody's. */
export type TrunkMatch =
  | { readonly kind: 'trunk'; readonly trunk: Trunk }
  | { readonly kind: 'challenge' }
  | { readonly kind: 'unknown' }

interface Network {
  readonly version: number
  readonly addresses: BlockList
  readonly prefixBits: number
}

/** A trunk and how narrowly it fits an address; -1: by taking any. */
interface Candidate {
  readonly trunk: Trunk
  readonly prefixBits: number
}

/** The trunks of one moment, their networks ready to be compared. */
export class TrunkTable {
  readonly #entries: readonly { readonly trunk: Trunk; readonly networks: readonly Network[] }[]

  constructor(trunks: readonly Trunk[]) {
    this.#entries = trunks.map((trunk) => ({ trunk, networks: trunk.networks.flatMap(readNetwork) }))
  }

  /**
   * The trunk that sends from `address`. A proof of its user name decides; without one the narrowest network does, the older trunk of two that are
   * equally narrow. A trunk with both a network and credentials wants both. `isProven` is asked only about trunks that may send from there.
   */
  match(address: string, isProven: (credentials: TrunkCredentials) => boolean): TrunkMatch {
    const candidates = this.#candidates(plainAddress(address))
    const proven = candidates.find(({ trunk }) => trunk.credentials && isProven(trunk.credentials))
    if (proven) return { kind: 'trunk', trunk: proven.trunk }
    const [narrowest] = candidates
    if (!narrowest) return { kind: 'unknown' }
    return narrowest.trunk.credentials ? { kind: 'challenge' } : { kind: 'trunk', trunk: narrowest.trunk }
  }

  /** Narrowest first. */
  #candidates(address: string): readonly Candidate[] {
    const candidates = this.#entries.flatMap(({ trunk, networks }): Candidate[] => {
      const prefixBits = trunk.networks.length === 0 ? anySender(trunk) : narrowestOf(networks, address)
      return prefixBits === undefined ? [] : [{ trunk, prefixBits }]
    })
    return candidates.sort((a, b) => b.prefixBits - a.prefixBits)
  }
}

/** A trunk without networks takes any sender that proves its user name; one without either takes nobody. */
const anySender = (trunk: Trunk): number | undefined => (trunk.credentials ? -1 : undefined)

const narrowestOf = (networks: readonly Network[], address: string): number | undefined => {
  // BlockList would find an IPv4 address in ::/0, by its mapped form; who wrote ::/0 meant IPv6.
  const version = isIP(address)
  const family = version === 6 ? 'ipv6' : 'ipv4'
  const fitting = networks.filter((network) => network.version === version && network.addresses.check(address, family))
  return fitting.length === 0 ? undefined : Math.max(...fitting.map(({ prefixBits }) => prefixBits))
}

/** What cannot be read matches nobody: the catalogue holds only what was validated. */
const readNetwork = (text: string): readonly Network[] => {
  const [host = '', bits] = text.split('/', 2)
  const address = plainAddress(host)
  const version = isIP(address)
  if (version === 0) return []
  const widestBits = version === 6 ? 128 : 32
  const prefixBits = bits === undefined ? widestBits : Number(bits)
  if (!Number.isInteger(prefixBits) || prefixBits < 0 || prefixBits > widestBits) return []
  const addresses = new BlockList()
  addresses.addSubnet(address, prefixBits, version === 6 ? 'ipv6' : 'ipv4')
  return [{ version, addresses, prefixBits }]
}

/** {@link TrunkTable.match} for one question. */
export const matchTrunk = (
  trunks: readonly Trunk[],
  address: string,
  isProven: (credentials: TrunkCredentials) => boolean,
): TrunkMatch => new TrunkTable(trunks).match(address, isProven)
