import pg from 'pg'
import type { Catalogue } from '../../ports/catalogue.ts'
import type { Nodes } from '../../ports/nodes.ts'
import type { Telemetry } from '../../ports/telemetry.ts'
import type { Cell } from '../sql/rows.ts'
import { SqlCatalogue } from '../sql/sql-catalogue.ts'
import type { ReadName, SqlDriver, WriteName, WriteStep } from '../sql/sql-driver.ts'
import { Availability } from './availability.ts'
import { type Migration, migrate } from './migrations.ts'
import { type NodeIdentity, PostgresNodes } from './nodes.ts'
import { startFailure } from './start-failure.ts'
import { LOCKS, NODE_STATEMENTS, READS, WRITES } from './statements.ts'
import { isAway, translateError } from './translate-error.ts'

/** Where the catalogue is and who hears of its writes. */
export interface PostgresCatalogueOptions {
  /** `postgres://user:password@host:port/database?sslmode=…`. */
  readonly url: string
  readonly telemetry: Telemetry
  /** This node, when others share the catalogue: what is recorded through it is held by this node. */
  readonly node?: NodeIdentity
  /** Connections at most; {@link POOL_MAX} unless said. */
  readonly poolMax?: number
  /** For tests of upgrades. */
  readonly migrations?: readonly Migration[]
}

export const POOL_MAX = 16
/** A connection that does not come, or is not free, within this time: the database is away. */
const CONNECT_DEADLINE_MS = 3_000
/** A statement that takes longer is given up, here and there. */
const STATEMENT_DEADLINE_MS = 5_000
const IDLE_MS = 60_000
const MS_PER_SECOND = 1000

/** Sizes and times in milliseconds stay far below 2^53. */
const types = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    oid === pg.types.builtins.INT8 ? Number : pg.types.getTypeParser(oid, format as 'text'),
}

/**
 * Opens (creates, migrates) a catalogue in a PostgreSQL database, which any number of nodes may share. Rejects with CATALOGUE_NEWER, or CATALOGUE_UNAVAILABLE with
 * what is wrong about the URL, the password, the database, the permission or the certificate.
 */
export const openPostgresCatalogue = async (options: PostgresCatalogueOptions): Promise<Catalogue> =>
  new SqlCatalogue(await openDriver(options))

/** The same for one of many nodes. */
export const openSharedCatalogue = async (
  options: PostgresCatalogueOptions & { readonly node: NodeIdentity },
): Promise<{ readonly catalogue: Catalogue; readonly nodes: Nodes }> => {
  const driver = await openDriver(options)
  const nodes = new PostgresNodes(options.node, (name, ...cells) =>
    driver.ask({ name, text: NODE_STATEMENTS[name] }, cells),
  )
  return { catalogue: new SqlCatalogue(driver), nodes }
}

const openDriver = async (options: PostgresCatalogueOptions): Promise<PostgresDriver> => {
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.poolMax ?? POOL_MAX,
    connectionTimeoutMillis: CONNECT_DEADLINE_MS,
    idleTimeoutMillis: IDLE_MS,
    statement_timeout: STATEMENT_DEADLINE_MS,
    query_timeout: STATEMENT_DEADLINE_MS,
    application_name: 'poulsen',
    keepAlive: true,
    types,
  })
  // A connection that is cut while nobody uses it is replaced when somebody does.
  pool.on('error', () => {})
  try {
    const client = await pool.connect()
    try {
      await migrate(client, options.migrations)
    } finally {
      client.release()
    }
    return new PostgresDriver(pool, options)
  } catch (error) {
    await pool.end()
    throw startFailure(error, options.url)
  }
}

class PostgresDriver implements SqlDriver {
  readonly #pool: pg.Pool
  readonly #telemetry: Telemetry
  readonly #nodeId: Cell
  readonly #availability: Availability
  readonly #turns = new Map<string, Promise<void>>()

  constructor(pool: pg.Pool, { telemetry, node }: PostgresCatalogueOptions) {
    this.#pool = pool
    this.#telemetry = telemetry
    this.#nodeId = node?.id ?? null
    this.#availability = new Availability(() => pool.query('SELECT 1'))
  }

  async get(name: ReadName, ...cells: readonly Cell[]): Promise<unknown> {
    return (await this.all(name, ...cells))[0]
  }

  async all(name: ReadName, ...cells: readonly Cell[]): Promise<readonly unknown[]> {
    return this.ask({ name, text: READS[name] }, name === 'listUnsettled' ? [this.#nodeId] : cells)
  }

  /** The rows of a statement that is prepared under its name. */
  async ask(statement: { readonly name: string; readonly text: string }, cells: readonly Cell[]): Promise<unknown[]> {
    this.#availability.require()
    try {
      const { rows } = await this.#pool.query({ ...statement, values: cells.map(toValue), rowMode: 'array' })
      return rows
    } catch (error) {
      throw this.#translate(error)
    }
  }

  async write(...steps: readonly WriteStep[]): Promise<unknown> {
    this.#availability.require()
    const [first, ...others] = steps.map((step) => this.#asHeld(step))
    if (!first) return undefined
    const begunMs = performance.now()
    try {
      const lock = LOCKS[first.name]
      if (lock) return await this.#inTurn(keyOf(first, lock.cells), () => this.#transact(first, others))
      return steps.length === 1 ? (await run(this.#pool, first)).row : await this.#transact(first, others)
    } catch (error) {
      throw this.#translate(error, first.name)
    } finally {
      this.#telemetry.catalogueWrite((performance.now() - begunMs) / MS_PER_SECOND, 1)
    }
  }

  async check(): Promise<void> {
    await this.all('listProjects')
  }

  async close(): Promise<void> {
    if (this.#pool.ended) return
    this.#availability.close()
    await this.#pool.end()
  }

  /** A recording that is made here is held here. */
  #asHeld(step: WriteStep): WriteStep {
    return step.name === 'createRecording' ? { ...step, cells: [...step.cells, this.#nodeId] } : step
  }

  /** What concerns the same rows is done in the order in which it was asked for; between nodes the lock decides. */
  async #inTurn<T>(key: string, work: () => Promise<T>): Promise<T> {
    const turn = (this.#turns.get(key) ?? Promise.resolve()).then(work)
    const over = turn.then(
      () => {},
      () => {},
    )
    this.#turns.set(key, over)
    try {
      return await turn
    } finally {
      if (this.#turns.get(key) === over) this.#turns.delete(key)
    }
  }

  async #transact(first: WriteStep, others: readonly WriteStep[]): Promise<unknown> {
    const client = await this.#pool.connect()
    let fault: Error | undefined
    try {
      await client.query('BEGIN')
      const lock = LOCKS[first.name]
      if (lock) await client.query(lock.sql, first.cells.slice(0, lock.cells).map(toValue))
      const { row, isVain } = await run(client, first)
      if (!isVain) for (const step of others) await run(client, step)
      await client.query('COMMIT')
      return row
    } catch (error) {
      // Who does not answer is not asked to roll back: the connection goes, and with it what was begun.
      if (isAway(error)) fault = error as Error
      else
        await client.query('ROLLBACK').catch((failed: Error) => {
          fault = failed
        })
      throw error
    } finally {
      // One that cannot even be rolled back is not used again.
      client.release(fault)
    }
  }

  #translate(thrown: unknown, write?: WriteName): unknown {
    if (isAway(thrown)) this.#availability.suspect()
    return translateError(thrown, write)
  }
}

const keyOf = ({ name, cells }: WriteStep, count: number): string => [name, ...cells.slice(0, count)].join(' ')

const RETURNING: ReadonlySet<WriteName> = new Set(
  (Object.entries(WRITES) as [WriteName, string][]).flatMap(([name, sql]) => (sql.includes('RETURNING') ? [name] : [])),
)

const run = async (
  on: Pick<pg.Pool, 'query'> | pg.PoolClient,
  { name, cells }: WriteStep,
): Promise<{ readonly row: unknown; readonly isVain: boolean }> => {
  const { rows } = await (on as pg.Pool).query({
    name,
    text: WRITES[name],
    values: cells.map(toValue),
    rowMode: 'array',
  })
  return { row: rows[0], isVain: RETURNING.has(name) && rows.length === 0 }
}

/** The driver takes Buffers for bytes. */
const toValue = (cell: Cell): Cell => (cell instanceof Uint8Array ? Buffer.from(cell) : cell)
