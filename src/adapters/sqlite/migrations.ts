import type Database from 'better-sqlite3'
import { PoulsenError } from '../../domain/errors.ts'

/** One step of the schema. Its number is its place in {@link MIGRATIONS}, from 1; it is never edited once released. */
export interface Migration {
  readonly name: string
  readonly sql: string
}

/** Marks the file as a catalogue of ours: "Poul" in ASCII. */
const APPLICATION_ID = 0x506f756c

/** Every step, oldest first. */
export const MIGRATIONS: readonly Migration[] = [
  {
    name: 'projects, tokens and recordings',
    sql: `
      CREATE TABLE projects (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        created_at_ms INTEGER NOT NULL,
        protect_recordings INTEGER NOT NULL CHECK (protect_recordings IN (0, 1)),
        media_url_ttl_seconds INTEGER,
        recording_price_per_minute REAL NOT NULL,
        media_key TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;

      CREATE TABLE tokens (
        project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
        id TEXT NOT NULL,
        name TEXT NOT NULL,
        permissions TEXT NOT NULL,
        digest TEXT NOT NULL UNIQUE,
        created_at_ms INTEGER NOT NULL,
        PRIMARY KEY (project_id, id)
      ) STRICT, WITHOUT ROWID;

      CREATE TABLE recordings (
        project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE RESTRICT,
        id TEXT NOT NULL,
        created_at_ms INTEGER NOT NULL,
        updated_at_ms INTEGER NOT NULL,
        duration_ms INTEGER NOT NULL CHECK (duration_ms >= 0),
        status TEXT NOT NULL CHECK (status IN ('recording', 'paused', 'completed', 'no_input', 'failed')),
        error_code TEXT,
        track TEXT NOT NULL CHECK (track IN ('inbound', 'outbound', 'both')),
        leg_type TEXT NOT NULL CHECK (leg_type IN ('pstn', 'sip', 'webrtc')),
        leg_id TEXT NOT NULL,
        conference_id TEXT,
        price REAL NOT NULL,
        media_key TEXT,
        byte_size INTEGER,
        sha256 TEXT,
        format TEXT CHECK (format IN ('wav', 'mp3', 'ogg')),
        codec TEXT,
        sample_rate_hz INTEGER,
        channels INTEGER,
        -- The id first: it tells rows apart at once, where every key of a project begins alike.
        PRIMARY KEY (id, project_id)
      ) STRICT, WITHOUT ROWID;
    `,
  },
  {
    name: 'recordings by time, for the list',
    sql: 'CREATE INDEX recordings_by_time ON recordings (project_id, created_at_ms DESC, id DESC);',
  },
  {
    name: 'trunks, call details, and what is still to be done about recordings',
    sql: `
      CREATE TABLE trunks (
        id TEXT PRIMARY KEY,
        project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
        name TEXT NOT NULL,
        leg_type TEXT NOT NULL CHECK (leg_type IN ('pstn', 'sip')),
        networks TEXT NOT NULL,
        username TEXT UNIQUE,
        ha1_sha256 TEXT,
        ha1_md5 TEXT,
        call_max_seconds INTEGER CHECK (call_max_seconds > 0),
        codecs TEXT NOT NULL,
        created_at_ms INTEGER NOT NULL,
        CHECK ((username IS NULL) = (ha1_sha256 IS NULL) AND (username IS NULL) = (ha1_md5 IS NULL)),
        CONSTRAINT trunk_is_guarded CHECK (networks <> '' OR username IS NOT NULL)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX trunks_by_project ON trunks (project_id);

      -- Apart from the recordings, whose rows stay small.
      CREATE TABLE call_details (
        recording_id TEXT NOT NULL,
        project_id TEXT NOT NULL,
        details TEXT NOT NULL CHECK (json_valid(details)),
        PRIMARY KEY (recording_id, project_id),
        FOREIGN KEY (recording_id, project_id) REFERENCES recordings (id, project_id) ON DELETE CASCADE
      ) STRICT, WITHOUT ROWID;

      -- Partial: only the few rows that something is still to be done about are in them.
      CREATE INDEX recordings_unsettled ON recordings (created_at_ms) WHERE status IN ('recording', 'paused');
      CREATE INDEX recordings_unsealed ON recordings (created_at_ms)
        WHERE sha256 IS NULL AND media_key IS NOT NULL AND status NOT IN ('recording', 'paused');
    `,
  },
  {
    name: 'session metadata, and trunks with certificates',
    sql: `
      -- With a rowid: documents of some kilobytes would make the pages of a tree without one hold a row or two.
      CREATE TABLE metadata_versions (
        recording_id TEXT NOT NULL,
        project_id TEXT NOT NULL,
        number INTEGER NOT NULL CHECK (number > 0),
        received_at_ms INTEGER NOT NULL,
        content_type TEXT NOT NULL,
        xml BLOB NOT NULL,
        PRIMARY KEY (recording_id, project_id, number),
        FOREIGN KEY (recording_id, project_id) REFERENCES recordings (id, project_id) ON DELETE CASCADE
      ) STRICT;

      -- Made anew: no other way to change a constraint. Nothing refers to trunks.
      CREATE TABLE guarded_trunks (
        id TEXT PRIMARY KEY,
        project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
        name TEXT NOT NULL,
        leg_type TEXT NOT NULL CHECK (leg_type IN ('pstn', 'sip')),
        networks TEXT NOT NULL,
        username TEXT UNIQUE,
        ha1_sha256 TEXT,
        ha1_md5 TEXT,
        certificates TEXT NOT NULL,
        layout TEXT NOT NULL CHECK (layout IN ('stereo', 'mono', 'separate')),
        requires_secure_media INTEGER NOT NULL CHECK (requires_secure_media IN (0, 1)),
        keeps_metadata INTEGER NOT NULL CHECK (keeps_metadata IN (0, 1)),
        call_max_seconds INTEGER CHECK (call_max_seconds > 0),
        codecs TEXT NOT NULL,
        created_at_ms INTEGER NOT NULL,
        CHECK ((username IS NULL) = (ha1_sha256 IS NULL) AND (username IS NULL) = (ha1_md5 IS NULL)),
        CONSTRAINT trunk_is_guarded CHECK (networks <> '' OR username IS NOT NULL OR certificates <> '')
      ) STRICT, WITHOUT ROWID;
      INSERT INTO guarded_trunks SELECT id, project_id, name, leg_type, networks, username, ha1_sha256, ha1_md5,
        '', 'stereo', 0, 1, call_max_seconds, codecs, created_at_ms FROM trunks;
      DROP TABLE trunks;
      ALTER TABLE guarded_trunks RENAME TO trunks;
      CREATE INDEX trunks_by_project ON trunks (project_id);
    `,
  },
  {
    name: 'tokens to publish with, and recordings whose url gives a WAV made of what came',
    sql: `
      ALTER TABLE recordings ADD COLUMN wav_rate_hz INTEGER;
      ALTER TABLE recordings ADD COLUMN wav_byte_size INTEGER;

      CREATE TABLE publish_tokens (
        digest TEXT PRIMARY KEY,
        project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
        endpoint TEXT NOT NULL,
        expires_at_ms INTEGER NOT NULL,
        leg_id TEXT,
        metadata TEXT NOT NULL CHECK (json_valid(metadata)),
        is_used INTEGER NOT NULL CHECK (is_used IN (0, 1))
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX publish_tokens_by_project ON publish_tokens (project_id);
      CREATE INDEX publish_tokens_by_expiry ON publish_tokens (expires_at_ms);
    `,
  },
  {
    name: 'what tells a catalogue from every other, and what fills it',
    sql: `
      CREATE TABLE catalogue_identity (
        only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
        id TEXT NOT NULL,
        -- The catalogue that a migration copies into this one.
        migration_source_id TEXT,
        migration_is_complete INTEGER NOT NULL CHECK (migration_is_complete IN (0, 1))
      ) STRICT;
      INSERT INTO catalogue_identity (only_row, id, migration_is_complete) VALUES (1, lower(
        hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-a' ||
        substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))), 0);
    `,
  },
]

const versionOf = (database: Database.Database): number => database.pragma('user_version', { simple: true }) as number

/**
 * Brings a catalogue to the newest version, under an exclusive lock, all or nothing; two processes that start at once take turns.
 * Throws CATALOGUE_NEWER for one that a newer program wrote, CATALOGUE_CORRUPT for a file that is another program's.
 */
export const migrate = (database: Database.Database, migrations: readonly Migration[] = MIGRATIONS): void => {
  refuseForeign(database)
  refuseNewer(versionOf(database), migrations.length)
  if (versionOf(database) === migrations.length) return
  database.exec('BEGIN EXCLUSIVE')
  try {
    for (const { sql } of migrations.slice(versionOf(database))) database.exec(sql)
    database.pragma(`application_id = ${APPLICATION_ID}`)
    database.pragma(`user_version = ${migrations.length}`)
    database.exec('COMMIT')
  } catch (error) {
    if (database.inTransaction) database.exec('ROLLBACK')
    throw error
  }
}

const refuseForeign = (database: Database.Database): void => {
  const application = database.pragma('application_id', { simple: true })
  const isEmpty = database.pragma('schema_version', { simple: true }) === 0
  if (application === APPLICATION_ID || (isEmpty && application === 0)) return
  throw new PoulsenError({
    code: 'CATALOGUE_CORRUPT',
    kind: 'corrupt',
    message: `${database.name} is a SQLite file of another program.`,
    hint: 'Choose another POULSEN_DATA_DIR.',
  })
}

const refuseNewer = (found: number, known: number): void => {
  if (found <= known) return
  throw new PoulsenError({
    code: 'CATALOGUE_NEWER',
    kind: 'unsupported',
    message: `The catalogue has version ${found}; this program knows versions up to ${known}.`,
    hint: 'Upgrade Poulsen, or give it another data folder.',
  })
}
