import type { PoolClient } from 'pg'
import { PoulsenError } from '../../domain/errors.ts'

/** One step of the schema. Its number is its place in {@link MIGRATIONS}, from 1; it is never edited once released. */
export interface Migration {
  readonly name: string
  readonly sql: string
}

/** Any number that no other program is likely to take: "Poul" in ASCII. */
const LOCK = 0x506f756c

/** Every step, oldest first. Ids are compared byte by byte, whatever the database's locale. */
export const MIGRATIONS: readonly Migration[] = [
  {
    name: 'the catalogue',
    sql: `
      CREATE TABLE projects (
        id text COLLATE "C" PRIMARY KEY,
        name text NOT NULL,
        created_at_ms bigint NOT NULL,
        protect_recordings smallint NOT NULL CHECK (protect_recordings IN (0, 1)),
        media_url_ttl_seconds bigint,
        recording_price_per_minute double precision NOT NULL,
        media_key text NOT NULL
      );

      CREATE TABLE tokens (
        project_id text COLLATE "C" NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
        id text COLLATE "C" NOT NULL,
        name text NOT NULL,
        permissions text NOT NULL,
        digest text COLLATE "C" NOT NULL UNIQUE,
        created_at_ms bigint NOT NULL,
        PRIMARY KEY (project_id, id)
      );

      CREATE TABLE publish_tokens (
        digest text COLLATE "C" PRIMARY KEY,
        project_id text COLLATE "C" NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
        endpoint text NOT NULL,
        expires_at_ms bigint NOT NULL,
        leg_id text,
        metadata text NOT NULL,
        is_used smallint NOT NULL CHECK (is_used IN (0, 1))
      );
      CREATE INDEX publish_tokens_by_project ON publish_tokens (project_id);
      CREATE INDEX publish_tokens_by_expiry ON publish_tokens (expires_at_ms);

      CREATE TABLE trunks (
        id text COLLATE "C" PRIMARY KEY,
        project_id text COLLATE "C" NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
        name text NOT NULL,
        leg_type text NOT NULL CHECK (leg_type IN ('pstn', 'sip')),
        networks text NOT NULL,
        username text COLLATE "C" UNIQUE,
        ha1_sha256 text,
        ha1_md5 text,
        certificates text NOT NULL,
        layout text NOT NULL CHECK (layout IN ('stereo', 'mono', 'separate')),
        requires_secure_media smallint NOT NULL CHECK (requires_secure_media IN (0, 1)),
        keeps_metadata smallint NOT NULL CHECK (keeps_metadata IN (0, 1)),
        call_max_seconds bigint CHECK (call_max_seconds > 0),
        codecs text NOT NULL,
        created_at_ms bigint NOT NULL,
        CHECK ((username IS NULL) = (ha1_sha256 IS NULL) AND (username IS NULL) = (ha1_md5 IS NULL)),
        CONSTRAINT trunk_is_guarded CHECK (networks <> '' OR username IS NOT NULL OR certificates <> '')
      );
      CREATE INDEX trunks_by_project ON trunks (project_id);

      CREATE TABLE recordings (
        project_id text COLLATE "C" NOT NULL REFERENCES projects (id) ON DELETE RESTRICT,
        id text COLLATE "C" NOT NULL,
        created_at_ms bigint NOT NULL,
        updated_at_ms bigint NOT NULL,
        duration_ms bigint NOT NULL CHECK (duration_ms >= 0),
        status text NOT NULL CHECK (status IN ('recording', 'paused', 'completed', 'no_input', 'failed')),
        error_code text,
        track text NOT NULL CHECK (track IN ('inbound', 'outbound', 'both')),
        leg_type text NOT NULL CHECK (leg_type IN ('pstn', 'sip', 'webrtc')),
        leg_id text NOT NULL,
        conference_id text,
        price double precision NOT NULL,
        media_key text,
        byte_size bigint,
        sha256 text,
        format text CHECK (format IN ('wav', 'mp3', 'ogg')),
        codec text,
        sample_rate_hz integer,
        channels integer,
        wav_rate_hz integer,
        wav_byte_size bigint,
        -- The id first: it tells rows apart at once, where every key of a project begins alike.
        PRIMARY KEY (id, project_id)
      );
      CREATE INDEX recordings_by_time ON recordings (project_id, created_at_ms DESC, id DESC);
      -- Partial: only the few rows that something is still to be done about are in them.
      CREATE INDEX recordings_unsettled ON recordings (created_at_ms, id) WHERE status IN ('recording', 'paused');
      CREATE INDEX recordings_unsealed ON recordings (created_at_ms, id)
        WHERE sha256 IS NULL AND media_key IS NOT NULL AND status NOT IN ('recording', 'paused');

      -- Apart from the recordings, whose rows stay small.
      CREATE TABLE call_details (
        recording_id text COLLATE "C" NOT NULL,
        project_id text COLLATE "C" NOT NULL,
        details text NOT NULL,
        PRIMARY KEY (recording_id, project_id),
        FOREIGN KEY (recording_id, project_id) REFERENCES recordings (id, project_id) ON DELETE CASCADE
      );

      CREATE TABLE metadata_versions (
        recording_id text COLLATE "C" NOT NULL,
        project_id text COLLATE "C" NOT NULL,
        number integer NOT NULL CHECK (number > 0),
        received_at_ms bigint NOT NULL,
        content_type text NOT NULL,
        xml bytea NOT NULL,
        PRIMARY KEY (recording_id, project_id, number),
        FOREIGN KEY (recording_id, project_id) REFERENCES recordings (id, project_id) ON DELETE CASCADE
      );
    `,
  },
  {
    name: 'many nodes',
    sql: `
      CREATE TABLE nodes (
        id text COLLATE "C" PRIMARY KEY,
        url text,
        -- By this server's clock: those of the nodes differ.
        seen_at_ms bigint NOT NULL
      );

      -- Recordings whose call, or whose bytes, are still on one node's disk. A row goes when the bytes are in the shared media store.
      CREATE TABLE held_recordings (
        recording_id text COLLATE "C" NOT NULL,
        project_id text COLLATE "C" NOT NULL,
        node_id text COLLATE "C" NOT NULL,
        PRIMARY KEY (recording_id, project_id),
        FOREIGN KEY (recording_id, project_id) REFERENCES recordings (id, project_id) ON DELETE CASCADE
      );
      CREATE INDEX held_recordings_by_node ON held_recordings (node_id);

      CREATE TABLE leases (
        name text COLLATE "C" PRIMARY KEY,
        node_id text COLLATE "C" NOT NULL,
        until_ms bigint NOT NULL
      );
    `,
  },
  {
    name: 'what tells a catalogue from every other, and what fills it',
    sql: `
      CREATE TABLE catalogue_identity (
        only_row smallint PRIMARY KEY CHECK (only_row = 1),
        id text NOT NULL,
        -- The catalogue that a migration copies into this one.
        migration_source_id text,
        migration_is_complete smallint NOT NULL CHECK (migration_is_complete IN (0, 1))
      );
      INSERT INTO catalogue_identity (only_row, id, migration_is_complete) VALUES (1, gen_random_uuid()::text, 0);
    `,
  },
  {
    name: 'deletions of what a node holds',
    sql: `
      -- Written with the deletion of a recording that a node holds; a row goes when the node has removed the bytes.
      CREATE TABLE deletions (
        node_id text COLLATE "C" NOT NULL,
        recording_id text COLLATE "C" NOT NULL,
        project_id text COLLATE "C" NOT NULL,
        media_key text COLLATE "C" NOT NULL,
        PRIMARY KEY (node_id, recording_id, project_id, media_key)
      );
    `,
  },
]

/**
 * Brings a catalogue to the newest version, all or nothing, under an advisory lock: nodes that start at once take turns. Throws CATALOGUE_NEWER for one that
 * a newer program wrote.
 */
export const migrate = async (client: PoolClient, migrations: readonly Migration[] = MIGRATIONS): Promise<void> => {
  await client.query('BEGIN')
  try {
    await client.query('SELECT pg_advisory_xact_lock($1)', [LOCK])
    await client.query('CREATE TABLE IF NOT EXISTS poulsen_schema (version integer NOT NULL)')
    const { rows } = await client.query<{ version: number }>('SELECT version FROM poulsen_schema')
    const version = rows[0]?.version ?? 0
    if (version > migrations.length) throw newer(version, migrations.length)
    for (const { sql } of migrations.slice(version)) await client.query(sql)
    if (rows.length === 0) await client.query('INSERT INTO poulsen_schema VALUES ($1)', [migrations.length])
    else if (version < migrations.length)
      await client.query('UPDATE poulsen_schema SET version = $1', [migrations.length])
    await client.query('COMMIT')
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {})
    throw error
  }
}

const newer = (found: number, known: number): PoulsenError =>
  new PoulsenError({
    code: 'CATALOGUE_NEWER',
    kind: 'unsupported',
    message: `The catalogue has version ${found}; this program knows versions up to ${known}.`,
    hint: 'Upgrade Poulsen on this node too.',
  })
