import type { Trunk, TrunkChanges, TrunkCredentials } from '../../domain/trunk.ts'
import type { Cell } from './rows.ts'

/** The columns of trunks, in the order of {@link trunkCells} and {@link trunkOf}. */
export const TRUNK_COLUMNS =
  'id, project_id, name, leg_type, networks, username, ha1_sha256, ha1_md5, call_max_seconds, codecs, created_at_ms'

type TrunkCells = [
  id: string,
  projectId: string,
  name: string,
  legType: Trunk['legType'],
  networks: string,
  username: string | null,
  ha1Sha256: string | null,
  ha1Md5: string | null,
  callMaxSeconds: number | null,
  codecs: string,
  createdAtMs: number,
]

/** Networks and encoding names have no spaces. */
const joined = (words: readonly string[]): string => words.join(' ')
const split = (text: string): readonly string[] => (text === '' ? [] : text.split(' '))

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
  trunk.callMaxSeconds ?? null,
  joined(trunk.codecs),
  trunk.createdAtMs,
]

/** Changes in the order of the write `updateTrunk`: what may be taken away has a cell before it that says whether it changes. */
export const trunkChangeCells = (id: string, changes: TrunkChanges): Cell[] => {
  const { name, legType, networks, credentials, callMaxSeconds, codecs } = changes
  const [username = null, ha1Sha256 = null, ha1Md5 = null] = credentialCells(credentials)
  const isNewCredentials = Number(credentials !== undefined)
  return [
    name ?? null,
    legType ?? null,
    networks ? joined(networks) : null,
    isNewCredentials,
    username,
    isNewCredentials,
    ha1Sha256,
    isNewCredentials,
    ha1Md5,
    Number(callMaxSeconds !== undefined),
    callMaxSeconds ?? null,
    codecs ? joined(codecs) : null,
    id,
  ]
}

/** A trunk from its cells. */
export const trunkOf = (cells: unknown): Trunk => {
  const [id, projectId, name, legType, networks, username, ha1Sha256, ha1Md5, callMaxSeconds, codecs, createdAtMs] =
    cells as TrunkCells
  const hasCredentials = username !== null && ha1Sha256 !== null && ha1Md5 !== null
  return {
    id,
    projectId,
    name,
    legType,
    networks: split(networks),
    ...(hasCredentials && { credentials: { username, ha1Sha256, ha1Md5 } }),
    ...(callMaxSeconds !== null && { callMaxSeconds }),
    codecs: split(codecs),
    createdAtMs,
  }
}
