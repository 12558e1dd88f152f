import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { openSharedCatalogue } from '../../src/adapters/postgres/catalogue.ts'
import type { CallDetails } from '../../src/domain/call-details.ts'
import type { MediaObject } from '../../src/domain/media-object.ts'
import type { Recording } from '../../src/domain/recording.ts'
import type { Catalogue } from '../../src/ports/catalogue.ts'
import type { Nodes } from '../../src/ports/nodes.ts'
import { NO_TELEMETRY } from '../../src/ports/telemetry.ts'
import { formatMediaKey } from '../../src/services/media-key.ts'
import { orphansAmong } from '../../src/services/orphans.ts'
import { fillPostgres } from '../fill-postgres.ts'
import { figure, type Line } from '../line.ts'
import { cpuSecondsOfTree } from '../rtp-processes.ts'

const ROWS = Number(process.env.BENCH_ROWS ?? 1_000_000)
const LIVES = 5_000
const AT_ONCE = 16
const SWEPT = 100_000
const MS_PER_SECOND = 1000
const NONCE = '0123456789abcdef'

const SIZE = `SELECT sum(pg_total_relation_size(name::regclass)) / (SELECT count(*) FROM recordings)
  FROM unnest(ARRAY['recordings', 'call_details']) AS name`

/**
 * What recordings of calls cost in a catalogue that has some and gets a million more of their kind: their room, their lives, and the sweeper's questions. The load
 * and the server share the machine; processor time is PostgreSQL's alone.
 */
export const costsOfRows = async (database: string, postgresPid: number): Promise<readonly Line[]> => {
  const client = new pg.Client({ connectionString: database })
  await client.connect()
  const node = { id: randomUUID() }
  const { catalogue, nodes } = await openSharedCatalogue({ url: database, telemetry: NO_TELEMETRY, node })
  try {
    const [row] = (await client.query('SELECT recording_id, project_id, details FROM call_details LIMIT 1')).rows
    const recording = await catalogue.findRecording(row.project_id, row.recording_id)
    if (!recording?.media?.sha256) throw new Error('there is no call to begin with')
    await multiply(client, database)
    const bytes = Number((await client.query({ text: SIZE, rowMode: 'array' })).rows[0]?.[0])
    const life = () => live({ catalogue, nodes }, recording, JSON.parse(row.details))
    await repeat(LIVES / 10, life)
    const [begunMs, cpu, wal] = [performance.now(), cpuSecondsOfTree(postgresPid), await walBytes(client)]
    await repeat(LIVES, life)
    const [seconds, spent] = [(performance.now() - begunMs) / MS_PER_SECOND, cpuSecondsOfTree(postgresPid) - cpu]
    const logged = (await walBytes(client)) - wal
    return [
      figure('rows of a recorded call in PostgreSQL, with indexes', bytes, 'bytes'),
      figure("PostgreSQL's processor time for the life of a recording", (spent / LIVES) * MS_PER_SECOND, 'ms'),
      figure("PostgreSQL's log for the life of a recording", logged / LIVES, 'bytes'),
      figure(`lives of recordings, ${AT_ONCE} at once`, LIVES / seconds, '/s'),
      figure('keys of media that the sweeper asks about', await sweepRate(client, catalogue), '/s'),
    ]
  } finally {
    await catalogue.close()
    await client.end()
  }
}

/** A million recordings, each with the details of a call. */
const multiply = async (client: pg.Client, database: string): Promise<void> => {
  const { rows } = await client.query('SELECT count(*)::int AS number FROM recordings')
  await fillPostgres(database, Math.ceil(ROWS / rows[0].number))
  await client.query(`INSERT INTO call_details (recording_id, project_id, details)
    SELECT id, project_id, (SELECT details FROM call_details LIMIT 1) FROM recordings ON CONFLICT DO NOTHING`)
  await client.query('VACUUM ANALYZE call_details')
}

/** Everything that is written of a recording, from the call to the moment at which its bytes are in the shared media store. */
const live = async (
  { catalogue, nodes }: { readonly catalogue: Catalogue; readonly nodes: Nodes },
  like: Recording,
  details: CallDetails,
): Promise<void> => {
  const { projectId } = like
  const id = randomUUID()
  const { sha256 = '', byteSize, ...begun } = like.media as MediaObject
  const key = formatMediaKey({ projectId, recordingId: id }, NONCE)
  const born = { ...like, id, leg: { ...like.leg, id: randomUUID() } }
  await catalogue.createRecording({ ...born, status: 'recording', media: { ...begun, key } }, details)
  const media = { ...begun, key, ...(byteSize !== undefined && { byteSize }) }
  await catalogue.settleRecording({ ...born, status: 'completed', media }, details)
  await catalogue.sealRecording(projectId, id, sha256)
  await nodes.release(projectId, id, key)
}

/** So many times, {@link AT_ONCE} at once. */
const repeat = async (times: number, work: () => Promise<void>): Promise<void> => {
  let left = times
  const some = async () => {
    while (left-- > 0) await work()
  }
  await Promise.all(Array.from({ length: AT_ONCE }, some))
}

const walBytes = async (client: pg.Client): Promise<number> =>
  Number((await client.query("SELECT pg_current_wal_insert_lsn() - '0/0' AS bytes")).rows[0]?.bytes)

/** Keys a second, of recordings that are all there, in the order of their ids as a bucket lists them. */
const sweepRate = async (client: pg.Client, catalogue: Catalogue): Promise<number> => {
  const { rows } = await client.query('SELECT project_id, id FROM recordings ORDER BY id LIMIT $1', [SWEPT])
  const listed = rows.map((row) => ({
    key: formatMediaKey({ projectId: row.project_id, recordingId: row.id }, NONCE),
  }))
  const begunMs = performance.now()
  await Array.fromAsync(orphansAmong(catalogue, listed))
  return rows.length / ((performance.now() - begunMs) / MS_PER_SECOND)
}
