import { BlockList, isIP } from 'node:net'
import type { Trunk, TrunkCredentials } from '../../domain/trunk.ts'
import { plainAddress } from './flow.ts'

/**
 * Whose call it is; `challenge`: of a trunk that wants a proof first; `uncertified`: of a trunk that wants a certificate which the sender has not;
 * `unknown`: nobody's.
 */
export type TrunkMatch =
  | { readonly kind: 'trunk'; readonly trunk: Trunk }
  | { readonly kind: 'challenge' }
  | { readonly kind: 'uncertified' }
  | { readonly kind: 'unknown' }

/** Who sends. */
export interface Sender {
  readonly address: string
  /** Fingerprint of the certificate whose key it has, as trunks have them. */
  readonly certificate?: string | undefined
}

interface Network {
  readonly version: number
  readonly addresses: BlockList
  readonly prefixBits: number
}

/** A trunk and how narrowly it fits a sender: the bits of the network, more than an address has for a certificate. */
interface Candidate {
  readonly trunk: Trunk
  readonly narrowness: number
  /** It wants no certificate, or the sender has one of its. */
  readonly isCertified: boolean
}

/** Who has the key of a certificate fits more narrowly than any address. */
const BY_CERTIFICATE = 256
/** From anywhere. */
const ANY_SENDER = -1
/** From anywhere, with a certificate that the trunk does not know. */
const ANY_CERTIFICATE = -2

/** The trunks of one moment, their networks ready to be compared. */
export class TrunkTable {
  readonly #entries: readonly { readonly trunk: Trunk; readonly networks: readonly Network[] }[]

  constructor(trunks: readonly Trunk[]) {
    this.#entries = trunks.map((trunk) => ({ trunk, networks: trunk.networks.flatMap(readNetwork) }))
  }

  /**
   * The trunk of a sender. A proof of its user name decides; without one its certificate does, then the narrowest network, the older trunk of two that are
   * equally narrow. A trunk with several of networks, credentials and certificates wants them all. `isProven` is asked only about trunks that may
   * send from there with that certificate.
   */
  match(sender: Sender, isProven: (credentials: TrunkCredentials) => boolean): TrunkMatch {
    const candidates = this.#candidates({ ...sender, address: plainAddress(sender.address) })
    const proven = candidates.find(({ trunk: { credentials }, isCertified }) => {
      return isCertified && credentials !== undefined && isProven(credentials)
    })
    if (proven) return { kind: 'trunk', trunk: proven.trunk }
    const [narrowest] = candidates
    if (!narrowest) return { kind: 'unknown' }
    if (!narrowest.isCertified) return { kind: 'uncertified' }
    return narrowest.trunk.credentials ? { kind: 'challenge' } : { kind: 'trunk', trunk: narrowest.trunk }
  }

  /** Narrowest first. */
  #candidates(sender: Sender): readonly Candidate[] {
    const candidates = this.#entries.flatMap(({ trunk, networks }): Candidate[] => {
      const isCertified = hasCertificateOf(sender, trunk)
      const bits = trunk.networks.length === 0 ? anySender(trunk, sender) : narrowestOf(networks, sender.address)
      if (bits === undefined) return []
      const narrowness = isCertified && trunk.certificates.length > 0 ? BY_CERTIFICATE + bits : bits
      return [{ trunk, narrowness, isCertified }]
    })
    return candidates.sort((a, b) => b.narrowness - a.narrowness)
  }
}

const hasCertificateOf = ({ certificate }: Sender, { certificates }: Trunk): boolean =>
  certificates.length === 0 || (certificate !== undefined && certificates.includes(certificate))

/**
 * A trunk without networks takes any sender that proves its user name or has its certificate; one without any of these takes nobody. Of those who do not have
 * its certificate only they meet it who have shown another.
 */
const anySender = (trunk: Trunk, sender: Sender): number | undefined => {
  if (!hasCertificateOf(sender, trunk)) return sender.certificate === undefined ? undefined : ANY_CERTIFICATE
  return trunk.credentials || trunk.certificates.length > 0 ? ANY_SENDER : undefined
}

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
  sender: Sender,
  isProven: (credentials: TrunkCredentials) => boolean,
): TrunkMatch => new TrunkTable(trunks).match(sender, isProven)
