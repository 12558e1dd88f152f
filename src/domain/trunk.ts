import type { LegType } from './recording.ts'
import type { Uuid } from './uuid.ts'

/** How a recording session of several streams (SIPREC) is stored: a channel a side, all mixed into one, or a recording a stream. */
export const TRUNK_LAYOUTS = ['stereo', 'mono', 'separate'] as const
export type TrunkLayout = (typeof TRUNK_LAYOUTS)[number]

/**
 * Who may send calls, and where their recordings go. A call belongs to a trunk when it comes from one of its networks, proves its user name by
 * Digest (RFC 8760), or comes over TLS from who has the key of one of its certificates. A trunk with several of these wants all of them.
 */
export interface Trunk {
  readonly id: Uuid
  readonly projectId: Uuid
  readonly name: string
  /** Which kind of call leg its calls are. */
  readonly legType: Extract<LegType, 'pstn' | 'sip'>
  /** IP addresses or networks (`10.0.0.0/8`, `::1`); empty: any, which wants credentials or certificates. */
  readonly networks: readonly string[]
  readonly credentials?: TrunkCredentials
  /** SHA-256 fingerprints of TLS client certificates, one of which a caller must have: 64 lower-case hexadecimal digits each; empty: none is wanted. */
  readonly certificates: readonly string[]
  readonly layout: TrunkLayout
  /** True: only SRTP is taken. False: it is taken when it is offered. */
  readonly requiresSecureMedia: boolean
  /** False: what the session recording client tells of participants and sessions is read and not kept (RFC 7865 §10). */
  readonly keepsMetadata: boolean
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
  readonly certificates?: readonly string[]
  readonly layout?: TrunkLayout
  readonly requiresSecureMedia?: boolean
  readonly keepsMetadata?: boolean
  readonly callMaxSeconds?: number | null
  readonly codecs?: readonly string[]
}

/** The realm of every Digest challenge; part of what the stored hashes were made of. */
export const TRUNK_REALM = 'poulsen'
