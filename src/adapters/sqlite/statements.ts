import { METADATA_COLUMNS } from '../sql/metadata-rows.ts'
import { RECORDING_COLUMNS } from '../sql/rows.ts'
import type { ReadName, WriteName } from '../sql/sql-driver.ts'
import { TRUNK_COLUMNS } from '../sql/trunk-rows.ts'

const PUBLISH_TOKEN = 'digest, project_id, endpoint, expires_at_ms, leg_id, metadata, is_used'
const RECORDING = RECORDING_COLUMNS.join(', ')
const PROJECT =
  'id, name, created_at_ms, protect_recordings, media_url_ttl_seconds, recording_price_per_minute, media_key'
const TOKEN = 'project_id, id, name, permissions, digest, created_at_ms'
const TRUNK = TRUNK_COLUMNS.join(', ')
/** All but the key. */
const SETTLED = RECORDING_COLUMNS.slice(2)
const marks = (count: number): string => Array.from({ length: count }, () => '?').join(', ')

/** Every read, prepared once. */
export const READS = {
  findIdentity: 'SELECT id, migration_source_id, migration_is_complete FROM catalogue_identity',
  findProject: `SELECT ${PROJECT} FROM projects WHERE id = ?`,
  listProjects: `SELECT ${PROJECT} FROM projects ORDER BY created_at_ms, id`,
  findToken: `SELECT ${TOKEN} FROM tokens WHERE digest = ?`,
  listTokens: `SELECT ${TOKEN} FROM tokens WHERE project_id = ? ORDER BY created_at_ms, id`,
  findPublishToken: `SELECT ${PUBLISH_TOKEN} FROM publish_tokens WHERE digest = ?`,
  listPublishTokens: `SELECT ${PUBLISH_TOKEN} FROM publish_tokens WHERE digest > ? ORDER BY digest LIMIT ?`,
  findTrunk: `SELECT ${TRUNK} FROM trunks WHERE id = ?`,
  listTrunks: `SELECT ${TRUNK} FROM trunks ORDER BY created_at_ms, id`,
  listTrunksOfProject: `SELECT ${TRUNK} FROM trunks WHERE project_id = ? ORDER BY created_at_ms, id`,
  findRecording: `SELECT ${RECORDING} FROM recordings WHERE project_id = ? AND id = ?`,
  findRecordings: `SELECT ${RECORDING} FROM recordings WHERE id IN (SELECT value FROM json_each(?))`,
  newest: `SELECT ${RECORDING} FROM recordings WHERE project_id = ? ORDER BY created_at_ms DESC, id DESC LIMIT ?`,
  olderThan: `SELECT ${RECORDING} FROM recordings WHERE project_id = ? AND (created_at_ms, id) < (?, ?) ORDER BY created_at_ms DESC, id DESC LIMIT ?`,
  newerThan: `SELECT ${RECORDING} FROM recordings WHERE project_id = ? AND (created_at_ms, id) > (?, ?) ORDER BY created_at_ms, id LIMIT ?`,
  hasOlder: 'SELECT 1 FROM recordings WHERE project_id = ? AND (created_at_ms, id) < (?, ?) LIMIT 1',
  hasNewer: 'SELECT 1 FROM recordings WHERE project_id = ? AND (created_at_ms, id) > (?, ?) LIMIT 1',
  findCallDetails: 'SELECT details FROM call_details WHERE project_id = ? AND recording_id = ?',
  listMetadata: `SELECT ${METADATA_COLUMNS} FROM metadata_versions WHERE project_id = ? AND recording_id = ? ORDER BY number`,
  countMetadata: `SELECT recording_id, count(*) FROM metadata_versions
    WHERE project_id = ? AND recording_id IN (SELECT value FROM json_each(?)) GROUP BY recording_id`,
  // Each with the very condition of its partial index, and bound to it: without it these would read every recording there is.
  listUnsettled: `SELECT ${RECORDING} FROM recordings INDEXED BY recordings_unsettled
    WHERE status IN ('recording', 'paused') ORDER BY created_at_ms, id`,
  listUnsealed: `SELECT ${RECORDING} FROM recordings INDEXED BY recordings_unsealed
    WHERE sha256 IS NULL AND media_key IS NOT NULL AND status NOT IN ('recording', 'paused') ORDER BY created_at_ms, id LIMIT ?`,
} as const satisfies Record<ReadName, string>

/** Every write, by the name that the writer thread knows it by. Those that return a row give what they changed or removed. */
export const WRITES = {
  setIncomingMigration: 'UPDATE catalogue_identity SET migration_source_id = ?, migration_is_complete = ?',
  createProject: `INSERT INTO projects (${PROJECT}) VALUES (${marks(7)})`,
  updateProject: `UPDATE projects SET name = coalesce(?, name), protect_recordings = coalesce(?, protect_recordings),
    media_url_ttl_seconds = iif(?, ?, media_url_ttl_seconds), recording_price_per_minute = coalesce(?, recording_price_per_minute)
    WHERE id = ? RETURNING ${PROJECT}`,
  deleteProject: 'DELETE FROM projects WHERE id = ? RETURNING id',
  createToken: `INSERT INTO tokens (${TOKEN}) VALUES (${marks(6)})`,
  updateToken: `UPDATE tokens SET name = coalesce(?, name), permissions = coalesce(?, permissions)
    WHERE project_id = ? AND id = ? RETURNING ${TOKEN}`,
  deleteToken: 'DELETE FROM tokens WHERE project_id = ? AND id = ? RETURNING id',
  createPublishToken: `INSERT INTO publish_tokens (${PUBLISH_TOKEN}) VALUES (${marks(7)})`,
  usePublishToken:
    'UPDATE publish_tokens SET is_used = 1 WHERE digest = ? AND is_used = 0 AND expires_at_ms > ? RETURNING digest',
  freePublishToken: 'UPDATE publish_tokens SET is_used = 0 WHERE digest = ?',
  deletePublishTokens: 'DELETE FROM publish_tokens WHERE expires_at_ms <= ?',
  createTrunk: `INSERT INTO trunks (${TRUNK}) VALUES (${marks(TRUNK_COLUMNS.length)})`,
  updateTrunk: `UPDATE trunks SET name = coalesce(?, name), leg_type = coalesce(?, leg_type), networks = coalesce(?, networks),
    username = iif(?, ?, username), ha1_sha256 = iif(?, ?, ha1_sha256), ha1_md5 = iif(?, ?, ha1_md5),
    certificates = coalesce(?, certificates), layout = coalesce(?, layout),
    requires_secure_media = coalesce(?, requires_secure_media), keeps_metadata = coalesce(?, keeps_metadata),
    call_max_seconds = iif(?, ?, call_max_seconds), codecs = coalesce(?, codecs) WHERE id = ? RETURNING ${TRUNK}`,
  deleteTrunk: 'DELETE FROM trunks WHERE id = ? RETURNING id',
  createRecording: `INSERT INTO recordings (${RECORDING}) VALUES (${marks(RECORDING_COLUMNS.length)})`,
  settleRecording: `UPDATE recordings SET (${SETTLED.join(', ')}) = (${marks(SETTLED.length)})
    WHERE project_id = ? AND id = ? AND (status IN (SELECT value FROM json_each(?)) OR error_code = ?) RETURNING id`,
  sealRecording: `UPDATE recordings SET sha256 = ? WHERE project_id = ? AND id = ?
    AND sha256 IS NULL AND media_key IS NOT NULL AND status NOT IN ('recording', 'paused') RETURNING id`,
  putCallDetails: `INSERT INTO call_details (project_id, recording_id, details) VALUES (?, ?, ?)
    ON CONFLICT DO UPDATE SET details = excluded.details`,
  // No row for an absent recording, nor for one that has as many as it may.
  appendMetadata: `WITH held AS (SELECT count(*) AS versions FROM metadata_versions WHERE project_id = ? AND recording_id = ?)
    INSERT INTO metadata_versions (project_id, recording_id, number, ${METADATA_COLUMNS})
    SELECT project_id, id, versions + 1, ?, ?, ? FROM recordings, held
    WHERE project_id = ? AND id = ? AND versions < ? RETURNING number`,
  deleteRecording: `DELETE FROM recordings WHERE project_id = ? AND id = ? RETURNING ${RECORDING}`,
} as const satisfies Record<WriteName, string>
