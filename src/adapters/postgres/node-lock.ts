import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { PoulsenError } from '../../domain/errors.ts'
import type { Uuid } from '../../domain/uuid.ts'
import { startFailure } from './start-failure.ts'
import { translateError } from './translate-error.ts'

/** The right to be the only server on a catalogue, or the only one that is this node. */
export interface NodeLock {
  release(): Promise<void>
}

/** Which lock. */
export interface NodeLockOptions {
  readonly url: string
  /** One of the nodes that share the catalogue; without it, the only one that there may be. */
  readonly nodeId?: Uuid
  /** Hears of what stands in the way of a lock that was lost: CATALOGUE_UNAVAILABLE, or one of the refusals. */
  readonly onTrouble: (error: unknown) => void
}

/** "Poul" and one, so that migrations have another. */
const LOCK = 0x506f756d
const CONNECT_DEADLINE_MS = 5_000
const AGAIN_MS = 1_000

/**
 * Takes the lock: an advisory one, held by a connection of its own for as long as the process lives, and given back by PostgreSQL when it is gone. A connection that is
 * cut is made anew, and the lock with it, as soon as PostgreSQL answers. Nodes that share a catalogue
 * hold its lock together, and each its own. Rejects with CATALOGUE_IN_USE, NODE_IN_USE, or CATALOGUE_UNAVAILABLE.
 */
export const acquireNodeLock = async (options: NodeLockOptions): Promise<NodeLock> => {
  const { url } = options
  const holder = new LockHolder(options)
  await holder.take().catch((error: unknown) => {
    throw startFailure(error, url)
  })
  return holder
}

class LockHolder implements NodeLock {
  readonly #options: NodeLockOptions
  readonly #released = new AbortController()
  #client: pg.Client | undefined

  constructor(options: NodeLockOptions) {
    this.#options = options
  }

  async take(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.#options.url,
      connectionTimeoutMillis: CONNECT_DEADLINE_MS,
      application_name: 'poulsen lock',
      keepAlive: true,
    })
    // What is cut says so twice, by an error and by its end.
    client.on('error', () => {})
    await client.connect()
    const refusal = await this.#refusal(client)
    if (refusal) {
      await client.end()
      throw refusal
    }
    this.#client = client
    client.once('end', () => void this.#takeAgain())
  }

  async release(): Promise<void> {
    this.#released.abort()
    await this.#client?.end().catch(() => {})
  }

  async #refusal(client: pg.Client): Promise<PoulsenError | undefined> {
    const { nodeId } = this.#options
    const take = async (lock: string, ...values: readonly (number | string)[]) =>
      (await client.query<{ held: boolean }>(`SELECT ${lock} AS held`, [...values])).rows[0]?.held
    if (nodeId === undefined) return (await take('pg_try_advisory_lock($1)', LOCK)) ? undefined : inUse()
    if (!(await take('pg_try_advisory_lock_shared($1)', LOCK))) return inUse()
    return (await take('pg_try_advisory_lock($1, hashtext($2))', LOCK, nodeId)) ? undefined : nodeInUse(nodeId)
  }

  async #takeAgain(): Promise<void> {
    const { signal } = this.#released
    while (!signal.aborted) {
      try {
        await this.take()
        return
      } catch (error) {
        this.#options.onTrouble(translateError(error))
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
    hint: 'Stop it first, or give all of them one POULSEN_MEDIA_STORE in S3: else media is on the disk of the server that took it.',
  })

const nodeInUse = (nodeId: Uuid): PoulsenError =>
  new PoulsenError({
    code: 'NODE_IN_USE',
    kind: 'conflict',
    message: `Another server is node ${nodeId}.`,
    hint: 'Its data folder was copied: stop the other server, or remove the file node-id from the copy.',
  })
