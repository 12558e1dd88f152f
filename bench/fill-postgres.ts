import pg from 'pg'

/** At most so many ids are given back. */
const IDS_MAX = 100_000

/**
 * Multiplies the one recording in a catalogue to `rows` recordings with random ids, a second apart, as {@link fillCatalogue} does for SQLite. Returns a
 * random sample of their ids.
 */
export const fillPostgres = async (url: string, rows: number): Promise<readonly string[]> => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { fields } = await client.query('SELECT * FROM recordings LIMIT 1')
    const columns = fields.map(({ name }) => name)
    const cells = columns.map((name) => CELLS[name] ?? name)
    await client.query(
      `INSERT INTO recordings (${columns}) SELECT ${cells} FROM recordings, generate_series(1, $1) AS number`,
      [rows],
    )
    await client.query('VACUUM ANALYZE recordings')
    const sample = 'SELECT id FROM recordings WHERE random() < $1 LIMIT $2'
    const { rows: found } = await client.query<{ id: string }>(sample, [IDS_MAX / rows, IDS_MAX])
    return found.map(({ id }) => id)
  } finally {
    await client.end()
  }
}

const CELLS: Readonly<Record<string, string>> = {
  id: 'gen_random_uuid()::text',
  created_at_ms: 'created_at_ms - number * 1000',
}
