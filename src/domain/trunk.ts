import type { LegType } from './recording.ts'
import type { Uuid } from './uuid.ts'

/**
 * Who may send calls, and where their recordings go. A call belongs to a trunk when it comes from one of its networks, or proves its user name by
 * Digest (RFC 8760). A trunk with both wants both.
 */
export interface Trunk {
  readonly id: Uuid
  readonly projectId: Uuid
  readonly name: string
  /** Which kind of call leg its calls are. */
  readonly legType: Extract<LegType, 'pstn' | 'sip'>
  /** IP addresses or networks (`10.0.0.0/8`, `::1`); empty: any, which wants credentials. */
  readonly networks: readonly string[]
  readonly credentials?: TrunkCredentials
  /** Longest call in seconds; absent: the server's own limit alone. */
  readonly callMaxSeconds?: number
  /** Encoding names in order of preference (`PCMU`, `opus`, …); empty: all that the server has, in its order. */
  readonly codecs: readonly string[]
  readonly createdAtMs: number
}

/** What a trunk's Digest is checked against: H(user:realm:password), never the password (RFC 7616 §3.4.2). Lower-case hexadecimal. */
export interface TrunkCredentials {
  readonly username: string
  readonly ha1Sha256: string
  readonly ha1Md5: string
}

/** What may be changed about a trunk; null takes away. */
export interface TrunkChanges {
  readonly name?: string
  readonly legType?: Trunk['legType']
  readonly networks?: readonly string[]
  readonly credentials?: TrunkCredentials | null
  readonly callMaxSeconds?: number | null
  readonly codecs?: readonly string[]
}

/** The realm of every Digest challenge; part of what the stored hashes were made of. */
export const TRUNK_REALM = 'poulsen'
