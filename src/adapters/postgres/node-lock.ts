import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { PoulsenError } from '../../domain/errors.ts'
import { startFailure } from './start-failure.ts'

/** The right to be the only server on a catalogue. */
export interface NodeLock {
  release(): Promise<void>
}

/** "Poul" and one, so that migrations have another. */
const LOCK = 0x506f756d
const CONNECT_DEADLINE_MS = 5_000
const AGAIN_MS = 1_000

/**
 * Takes the lock: an advisory one, held by a connection of its own for as long as the process lives, and given back by PostgreSQL when it is gone. A connection that is
 * cut is made anew, and the lock with it, as soon as PostgreSQL answers; `onTrouble` hears of what stands in the way. Rejects with CATALOGUE_IN_USE, or CATALOGUE_UNAVAILABLE.
 */
export const acquireNodeLock = async (url: string, onTrouble: (error: unknown) => void): Promise<NodeLock> => {
  const holder = new LockHolder(url, onTrouble)
  await holder.take().catch((error: unknown) => {
    throw startFailure(error, url)
  })
  return holder
}

class LockHolder implements NodeLock {
  readonly #url: string
  readonly #onTrouble: (error: unknown) => void
  readonly #released = new AbortController()
  #client: pg.Client | undefined

  constructor(url: string, onTrouble: (error: unknown) => void) {
    this.#url = url
    this.#onTrouble = onTrouble
  }

  async take(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.#url,
      connectionTimeoutMillis: CONNECT_DEADLINE_MS,
      application_name: 'poulsen lock',
      keepAlive: true,
    })
    // What is cut says so twice, by an error and by its end.
    client.on('error', () => {})
    await client.connect()
    const { rows } = await client.query<{ held: boolean }>('SELECT pg_try_advisory_lock($1) AS held', [LOCK])
    if (!rows[0]?.held) {
      await client.end()
      throw inUse()
    }
    this.#client = client
    client.once('end', () => void this.#takeAgain())
  }

  async release(): Promise<void> {
    this.#released.abort()
    await this.#client?.end().catch(() => {})
  }

  async #takeAgain(): Promise<void> {
    const { signal } = this.#released
    while (!signal.aborted) {
      try {
        await this.take()
        return
      } catch (error) {
        this.#onTrouble(error)
        await delay(AGAIN_MS, undefined, { signal }).catch(() => {})
      }
    }
  }
}

const inUse = (): PoulsenError =>
  new PoulsenError({
    code: 'CATALOGUE_IN_USE',
    kind: 'conflict',
    message: 'Another server uses this catalogue.',
    hint: 'Stop it first, or set POULSEN_CATALOGUE to another database: media is on the disk of the server that took it.',
  })
