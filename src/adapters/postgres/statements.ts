import { RECORDING_COLUMNS } from '../sql/rows.ts'
import type { ReadName, WriteName } from '../sql/sql-driver.ts'
import { TRUNK_COLUMNS } from '../sql/trunk-rows.ts'

const RECORDING = RECORDING_COLUMNS.join(', ')
const PROJECT =
  'id, name, created_at_ms, protect_recordings, media_url_ttl_seconds, recording_price_per_minute, media_key'
const TOKEN = 'project_id, id, name, permissions, digest, created_at_ms'
const PUBLISH_TOKEN = 'digest, project_id, endpoint, expires_at_ms, leg_id, metadata, is_used'
const TRUNK = TRUNK_COLUMNS.join(', ')
const METADATA = 'received_at_ms, content_type, xml'
/** All but the key. */
const SETTLED = RECORDING_COLUMNS.slice(2)
const marks = (count: number, from = 1): string =>
  Array.from({ length: count }, (_, index) => `$${index + from}`).join(', ')
const RECORDING_OF = RECORDING_COLUMNS.map((column) => `recordings.${column}`).join(', ')
const NOT_FINAL = "status IN ('recording', 'paused')"
const UNSEALED = "sha256 IS NULL AND media_key IS NOT NULL AND status NOT IN ('recording', 'paused')"

/** Every read, prepared once a connection. */
export const READS = {
  findIdentity: 'SELECT id, migration_source_id, migration_is_complete FROM catalogue_identity',
  findProject: `SELECT ${PROJECT} FROM projects WHERE id = $1`,
  listProjects: `SELECT ${PROJECT} FROM projects ORDER BY created_at_ms, id`,
  findToken: `SELECT ${TOKEN} FROM tokens WHERE digest = $1`,
  listTokens: `SELECT ${TOKEN} FROM tokens WHERE project_id = $1 ORDER BY created_at_ms, id`,
  findPublishToken: `SELECT ${PUBLISH_TOKEN} FROM publish_tokens WHERE digest = $1`,
  listPublishTokens: `SELECT ${PUBLISH_TOKEN} FROM publish_tokens WHERE digest > $1 ORDER BY digest LIMIT $2`,
  findTrunk: `SELECT ${TRUNK} FROM trunks WHERE id = $1`,
  listTrunks: `SELECT ${TRUNK} FROM trunks ORDER BY created_at_ms, id`,
  listTrunksOfProject: `SELECT ${TRUNK} FROM trunks WHERE project_id = $1 ORDER BY created_at_ms, id`,
  findRecording: `SELECT ${RECORDING} FROM recordings WHERE project_id = $1 AND id = $2`,
  // A set of unknown size is guessed to be large, and a large table read from end to end for it.
  findRecordings: `SELECT ${RECORDING} FROM recordings WHERE id = ANY (ARRAY(SELECT json_array_elements_text($1)))`,
  newest: `SELECT ${RECORDING} FROM recordings WHERE project_id = $1 ORDER BY created_at_ms DESC, id DESC LIMIT $2`,
  // With whether there is newer, which another statement would cost as much as the page to find out.
  olderThan: `SELECT ${RECORDING}, EXISTS (SELECT 1 FROM recordings WHERE project_id = $1 AND (created_at_ms, id) >= ($2, $3))
    FROM recordings WHERE project_id = $1 AND (created_at_ms, id) < ($2, $3)
    ORDER BY created_at_ms DESC, id DESC LIMIT $4`,
  newerThan: `SELECT ${RECORDING} FROM recordings WHERE project_id = $1 AND (created_at_ms, id) > ($2, $3)
    ORDER BY created_at_ms, id LIMIT $4`,
  hasOlder: 'SELECT 1 FROM recordings WHERE project_id = $1 AND (created_at_ms, id) < ($2, $3) LIMIT 1',
  hasNewer: 'SELECT 1 FROM recordings WHERE project_id = $1 AND (created_at_ms, id) > ($2, $3) LIMIT 1',
  findCallDetails: 'SELECT details FROM call_details WHERE project_id = $1 AND recording_id = $2',
  listMetadata: `SELECT ${METADATA} FROM metadata_versions WHERE project_id = $1 AND recording_id = $2 ORDER BY number`,
  countMetadata: `SELECT recording_id, count(*) FROM metadata_versions
    WHERE project_id = $1 AND recording_id = ANY (ARRAY(SELECT jsonb_array_elements_text($2::jsonb))) GROUP BY recording_id`,
  // Of one node, when it is given.
  listUnsettled: `SELECT ${RECORDING} FROM recordings WHERE ${NOT_FINAL} AND ($1::text IS NULL OR EXISTS (
    SELECT 1 FROM held_recordings WHERE recording_id = id AND held_recordings.project_id = recordings.project_id AND node_id = $1))
    ORDER BY created_at_ms, id`,
  listUnsealed: `SELECT ${RECORDING} FROM recordings WHERE ${UNSEALED} ORDER BY created_at_ms, id LIMIT $1`,
} as const satisfies Record<ReadName, string>

/** Every write. Those that return a row give what they changed or removed. */
export const WRITES = {
  setIncomingMigration: 'UPDATE catalogue_identity SET migration_source_id = $1, migration_is_complete = $2',
  createProject: `INSERT INTO projects (${PROJECT}) VALUES (${marks(7)})`,
  updateProject: `UPDATE projects SET name = coalesce($1, name), protect_recordings = coalesce($2, protect_recordings),
    media_url_ttl_seconds = CASE WHEN $3 = 1 THEN $4 ELSE media_url_ttl_seconds END,
    recording_price_per_minute = coalesce($5, recording_price_per_minute) WHERE id = $6 RETURNING ${PROJECT}`,
  deleteProject: 'DELETE FROM projects WHERE id = $1 RETURNING id',
  createToken: `INSERT INTO tokens (${TOKEN}) VALUES (${marks(6)})`,
  updateToken: `UPDATE tokens SET name = coalesce($1, name), permissions = coalesce($2, permissions)
    WHERE project_id = $3 AND id = $4 RETURNING ${TOKEN}`,
  deleteToken: 'DELETE FROM tokens WHERE project_id = $1 AND id = $2 RETURNING id',
  createPublishToken: `INSERT INTO publish_tokens (${PUBLISH_TOKEN}) VALUES (${marks(7)})`,
  usePublishToken:
    'UPDATE publish_tokens SET is_used = 1 WHERE digest = $1 AND is_used = 0 AND expires_at_ms > $2 RETURNING digest',
  freePublishToken: 'UPDATE publish_tokens SET is_used = 0 WHERE digest = $1',
  deletePublishTokens: 'DELETE FROM publish_tokens WHERE expires_at_ms <= $1',
  createTrunk: `INSERT INTO trunks (${TRUNK}) VALUES (${marks(TRUNK_COLUMNS.length)})`,
  updateTrunk: `UPDATE trunks SET name = coalesce($1, name), leg_type = coalesce($2, leg_type),
    networks = coalesce($3, networks),
    username = CASE WHEN $4 = 1 THEN $5 ELSE username END,
    ha1_sha256 = CASE WHEN $6 = 1 THEN $7 ELSE ha1_sha256 END,
    ha1_md5 = CASE WHEN $8 = 1 THEN $9 ELSE ha1_md5 END,
    certificates = coalesce($10, certificates), layout = coalesce($11, layout),
    requires_secure_media = coalesce($12, requires_secure_media), keeps_metadata = coalesce($13, keeps_metadata),
    call_max_seconds = CASE WHEN $14 = 1 THEN $15 ELSE call_max_seconds END,
    codecs = coalesce($16, codecs) WHERE id = $17 RETURNING ${TRUNK}`,
  deleteTrunk: 'DELETE FROM trunks WHERE id = $1 RETURNING id',
  // Held by a node, when it is given, from the first moment on.
  createRecording: `WITH made AS (INSERT INTO recordings (${RECORDING}) VALUES (${marks(RECORDING_COLUMNS.length)}) RETURNING id, project_id, media_key),
    held AS (INSERT INTO held_recordings (recording_id, project_id, node_id)
      SELECT id, project_id, $${RECORDING_COLUMNS.length + 1}::text FROM made
      WHERE $${RECORDING_COLUMNS.length + 1}::text IS NOT NULL AND media_key IS NOT NULL)
    SELECT id FROM made`,
  // What ended without bytes is held by nobody: there is nothing to be moved.
  settleRecording: `WITH settled AS (UPDATE recordings SET (${SETTLED.join(', ')}) = ROW(${marks(SETTLED.length)})
    WHERE project_id = $${SETTLED.length + 1} AND id = $${SETTLED.length + 2}
    AND (status IN (SELECT jsonb_array_elements_text($${SETTLED.length + 3}::jsonb)) OR error_code = $${SETTLED.length + 4})
    RETURNING id, project_id, media_key),
    released AS (DELETE FROM held_recordings USING settled
      WHERE held_recordings.project_id = settled.project_id AND recording_id = settled.id AND settled.media_key IS NULL)
    SELECT id FROM settled`,
  sealRecording: `UPDATE recordings SET sha256 = $1 WHERE project_id = $2 AND id = $3 AND ${UNSEALED} RETURNING id`,
  putCallDetails: `INSERT INTO call_details (project_id, recording_id, details) VALUES ($1, $2, $3)
    ON CONFLICT (recording_id, project_id) DO UPDATE SET details = excluded.details`,
  // No row for an absent recording, nor for one that has as many as it may.
  appendMetadata: `INSERT INTO metadata_versions (project_id, recording_id, number, ${METADATA})
    SELECT recordings.project_id, recordings.id, held.versions + 1, $3, $4, $5 FROM recordings,
      (SELECT count(*) AS versions FROM metadata_versions WHERE project_id = $1 AND recording_id = $2) AS held
    WHERE recordings.project_id = $6 AND recordings.id = $7 AND held.versions < $8 RETURNING number`,
  // The node that holds it hears of it, whoever deletes.
  deleteRecording: `WITH gone AS (DELETE FROM recordings WHERE project_id = $1 AND id = $2 RETURNING ${RECORDING}),
    told AS (INSERT INTO deletions (node_id, recording_id, project_id, media_key)
      SELECT node_id, gone.id, gone.project_id, media_key FROM gone
      JOIN held_recordings ON recording_id = gone.id AND held_recordings.project_id = gone.project_id WHERE media_key IS NOT NULL
      ON CONFLICT DO NOTHING)
    SELECT ${RECORDING} FROM gone`,
} as const satisfies Record<WriteName, string>

const NOW_MS = '(extract(epoch FROM clock_timestamp()) * 1000)::bigint'

/** What nodes ask of each other's whereabouts. */
export const NODE_STATEMENTS = {
  beat: `INSERT INTO nodes (id, url, seen_at_ms) VALUES ($1, $2, ${NOW_MS})
    ON CONFLICT (id) DO UPDATE SET url = excluded.url, seen_at_ms = excluded.seen_at_ms`,
  findHolder: `SELECT held_recordings.node_id, nodes.url, ${NOW_MS} - nodes.seen_at_ms FROM held_recordings
    LEFT JOIN nodes ON nodes.id = held_recordings.node_id WHERE project_id = $1 AND recording_id = $2`,
  release: `DELETE FROM held_recordings USING recordings WHERE recordings.project_id = $1 AND recordings.id = $2 AND media_key IS NOT DISTINCT FROM $4
    AND held_recordings.project_id = $1 AND recording_id = $2 AND node_id = $3`,
  listDeleted: 'SELECT project_id, recording_id, media_key FROM deletions WHERE node_id = $1 LIMIT $2',
  forgetDeleted:
    'DELETE FROM deletions WHERE node_id = $1 AND project_id = $2 AND recording_id = $3 AND media_key = $4',
  listHeld: `SELECT ${RECORDING_OF} FROM held_recordings JOIN recordings USING (project_id)
    WHERE recordings.id = recording_id AND node_id = $1 AND NOT (${NOT_FINAL}) AND (recording_id, project_id) > ($3, $4)
    ORDER BY recording_id, project_id LIMIT $2`,
  listLost: `SELECT ${RECORDING_OF} FROM recordings JOIN held_recordings ON recording_id = recordings.id AND held_recordings.project_id = recordings.project_id
    LEFT JOIN nodes ON nodes.id = node_id WHERE ${NOT_FINAL} AND coalesce(seen_at_ms, 0) < ${NOW_MS} - $1::bigint
    ORDER BY created_at_ms LIMIT $2`,
  lease: `INSERT INTO leases (name, node_id, until_ms) VALUES ($1, $2, ${NOW_MS} + $3::bigint)
    ON CONFLICT (name) DO UPDATE SET node_id = excluded.node_id, until_ms = excluded.until_ms
    WHERE leases.until_ms <= ${NOW_MS} OR leases.node_id = excluded.node_id RETURNING name`,
} as const

/** What is locked first, in the same transaction, by the first cells of a write: two that count the same rows must not do so at the same time. */
export const LOCKS: Partial<Record<WriteName, { readonly sql: string; readonly cells: number }>> = {
  appendMetadata: { sql: 'SELECT 1 FROM recordings WHERE project_id = $1 AND id = $2 FOR UPDATE', cells: 2 },
}
