import { RECORDING_COLUMNS } from './rows.ts'

const RECORDING = RECORDING_COLUMNS.join(', ')
const PROJECT =
  'id, name, created_at_ms, protect_recordings, media_url_ttl_seconds, recording_price_per_minute, media_key'
const TOKEN = 'project_id, id, name, permissions, digest, created_at_ms'
const marks = (count: number): string => Array.from({ length: count }, () => '?').join(', ')

/** Every read, prepared once. */
export const READS = {
  findProject: `SELECT ${PROJECT} FROM projects WHERE id = ?`,
  listProjects: `SELECT ${PROJECT} FROM projects ORDER BY created_at_ms, id`,
  findToken: `SELECT ${TOKEN} FROM tokens WHERE digest = ?`,
  listTokens: `SELECT ${TOKEN} FROM tokens WHERE project_id = ? ORDER BY created_at_ms, id`,
  findRecording: `SELECT ${RECORDING} FROM recordings WHERE project_id = ? AND id = ?`,
  newest: `SELECT ${RECORDING} FROM recordings WHERE project_id = ? ORDER BY created_at_ms DESC, id DESC LIMIT ?`,
  olderThan: `SELECT ${RECORDING} FROM recordings WHERE project_id = ? AND (created_at_ms, id) < (?, ?) ORDER BY created_at_ms DESC, id DESC LIMIT ?`,
  newerThan: `SELECT ${RECORDING} FROM recordings WHERE project_id = ? AND (created_at_ms, id) > (?, ?) ORDER BY created_at_ms, id LIMIT ?`,
  hasOlder: 'SELECT 1 FROM recordings WHERE project_id = ? AND (created_at_ms, id) < (?, ?) LIMIT 1',
  hasNewer: 'SELECT 1 FROM recordings WHERE project_id = ? AND (created_at_ms, id) > (?, ?) LIMIT 1',
} as const

/** Every write, by the name that the writer thread knows it by. Those that return a row give what they changed or removed. */
export const WRITES = {
  createProject: `INSERT INTO projects (${PROJECT}) VALUES (${marks(7)})`,
  updateProject: `UPDATE projects SET name = coalesce(?, name), protect_recordings = coalesce(?, protect_recordings),
    media_url_ttl_seconds = iif(?, ?, media_url_ttl_seconds), recording_price_per_minute = coalesce(?, recording_price_per_minute)
    WHERE id = ? RETURNING ${PROJECT}`,
  deleteProject: 'DELETE FROM projects WHERE id = ? RETURNING id',
  createToken: `INSERT INTO tokens (${TOKEN}) VALUES (${marks(6)})`,
  updateToken: `UPDATE tokens SET name = coalesce(?, name), permissions = coalesce(?, permissions)
    WHERE project_id = ? AND id = ? RETURNING ${TOKEN}`,
  deleteToken: 'DELETE FROM tokens WHERE project_id = ? AND id = ? RETURNING id',
  createRecording: `INSERT INTO recordings (${RECORDING}) VALUES (${marks(RECORDING_COLUMNS.length)})`,
  deleteRecording: `DELETE FROM recordings WHERE project_id = ? AND id = ? RETURNING ${RECORDING}`,
} as const

/** The name of a write. */
export type WriteName = keyof typeof WRITES
