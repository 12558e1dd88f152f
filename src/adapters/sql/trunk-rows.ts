import type { Trunk, TrunkChanges, TrunkCredentials, TrunkLayout } from '../../domain/trunk.ts'
import type { Cell } from './rows.ts'

/** The columns of trunks, in the order of {@link trunkCells} and {@link trunkOf}. */
export const TRUNK_COLUMNS = [
  'id',
  'project_id',
  'name',
  'leg_type',
  'networks',
  'username',
  'ha1_sha256',
  'ha1_md5',
  'certificates',
  'layout',
  'requires_secure_media',
  'keeps_metadata',
  'call_max_seconds',
  'codecs',
  'created_at_ms',
] as const

type TrunkCells = [
  id: string,
  projectId: string,
  name: string,
  legType: Trunk['legType'],
  networks: string,
  username: string | null,
  ha1Sha256: string | null,
  ha1Md5: string | null,
  certificates: string,
  layout: TrunkLayout,
  requiresSecureMedia: 0 | 1,
  keepsMetadata: 0 | 1,
  callMaxSeconds: number | null,
  codecs: string,
  createdAtMs: number,
]

/** Networks, fingerprints and encoding names have no spaces. */
const joined = (words: readonly string[]): string => words.join(' ')
const split = (text: string): readonly string[] => (text === '' ? [] : text.split(' '))

/** Null in a change: as it was. */
const joinedIfAny = (words: readonly string[] | undefined): Cell => (words ? joined(words) : null)
const flagIfAny = (flag: boolean | undefined): Cell => (flag === undefined ? null : Number(flag))

const credentialCells = (credentials: TrunkCredentials | null | undefined): Cell[] => [
  credentials?.username ?? null,
  credentials?.ha1Sha256 ?? null,
  credentials?.ha1Md5 ?? null,
]

/** A trunk as cells, in column order. */
export const trunkCells = (trunk: Trunk): Cell[] => [
  trunk.id,
  trunk.projectId,
  trunk.name,
  trunk.legType,
  joined(trunk.networks),
  ...credentialCells(trunk.credentials),
  joined(trunk.certificates),
  trunk.layout,
  Number(trunk.requiresSecureMedia),
  Number(trunk.keepsMetadata),
  trunk.callMaxSeconds ?? null,
  joined(trunk.codecs),
  trunk.createdAtMs,
]

/** Changes in the order of the write `updateTrunk`: what may be taken away has a cell before it that says whether it changes. */
export const trunkChangeCells = (id: string, changes: TrunkChanges): Cell[] => {
  const { name, legType, networks, credentials, callMaxSeconds } = changes
  const [username = null, ha1Sha256 = null, ha1Md5 = null] = credentialCells(credentials)
  const isNewCredentials = Number(credentials !== undefined)
  return [
    name ?? null,
    legType ?? null,
    joinedIfAny(networks),
    isNewCredentials,
    username,
    isNewCredentials,
    ha1Sha256,
    isNewCredentials,
    ha1Md5,
    joinedIfAny(changes.certificates),
    changes.layout ?? null,
    flagIfAny(changes.requiresSecureMedia),
    flagIfAny(changes.keepsMetadata),
    Number(callMaxSeconds !== undefined),
    callMaxSeconds ?? null,
    joinedIfAny(changes.codecs),
    id,
  ]
}

/** A trunk from its cells. */
export const trunkOf = (cells: unknown): Trunk => {
  const [id, projectId, name, legType, networks, username, ha1Sha256, ha1Md5, ...settings] = cells as TrunkCells
  const [certificates, layout, requiresSecureMedia, keepsMetadata, callMaxSeconds, codecs, createdAtMs] = settings
  const hasCredentials = username !== null && ha1Sha256 !== null && ha1Md5 !== null
  return {
    id,
    projectId,
    name,
    legType,
    networks: split(networks),
    ...(hasCredentials && { credentials: { username, ha1Sha256, ha1Md5 } }),
    certificates: split(certificates),
    layout,
    requiresSecureMedia: requiresSecureMedia === 1,
    keepsMetadata: keepsMetadata === 1,
    ...(callMaxSeconds !== null && { callMaxSeconds }),
    codecs: split(codecs),
    createdAtMs,
  }
}
