import { hasCode, PoulsenError } from '../domain/errors.ts'
import type { ByteRange, LocalMediaStore, MediaKey, MediaStat, MediaStore, MediaWriter } from '../ports/media-store.ts'

/** Where media lands, where it goes, and what is still to be removed there. */
export interface Spool {
  readonly local: LocalMediaStore
  readonly remote: MediaStore
  /** An empty object under each key that was removed while the remote store was away. */
  readonly removals: MediaStore
}

/** Hears of what is to be done. Called with nothing to wait for. */
export interface SpoolListener {
  /** The remote store did not answer when it was last asked: nobody is to wait for it to do so again. */
  readonly isAway: boolean
  /** An object has landed on the local disk. */
  arrived(key: MediaKey): void
  /** A removal is noted. */
  removalNoted(): void
}

/**
 * A media store in two places: what is stored is durable on this machine's disk first, and is read and removed wherever it is by then. Nobody who stores or records
 * waits for the remote store; {@link Spooling} moves what has landed. Keys are never used twice, so that an object here and one there are the same.
 */
export class SpooledMediaStore implements MediaStore {
  readonly #local: LocalMediaStore
  readonly #remote: MediaStore
  readonly #removals: MediaStore
  readonly #listener: SpoolListener

  constructor({ local, remote, removals }: Spool, listener: SpoolListener) {
    this.#local = local
    this.#remote = remote
    this.#removals = removals
    this.#listener = listener
  }

  async open(key: MediaKey): Promise<MediaWriter> {
    const writer = await this.#local.open(key)
    return {
      get byteSize() {
        return writer.byteSize
      },
      append: (bytes) => writer.append(bytes),
      finalise: async (header) => {
        await writer.finalise(header)
        this.#listener.arrived(key)
      },
      abort: () => writer.abort(),
    }
  }

  prepare(key: MediaKey): Promise<void> {
    return this.#local.prepare(key)
  }

  async adopt(key: MediaKey, path: string): Promise<void> {
    try {
      await this.#local.adopt(key, path)
      this.#listener.arrived(key)
    } catch (error) {
      if (!hasCode(error, 'MEDIA_NOT_FOUND')) throw error
      // It may have been moved since: asked again after a crash.
      await this.#remote.stat(key)
    }
  }

  stat(key: MediaKey): Promise<MediaStat> {
    return this.#eitherOf((store) => store.stat(key))
  }

  read(key: MediaKey, range?: ByteRange, signal?: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    return this.#eitherOf((store) => store.read(key, range, signal))
  }

  /** Gone for whoever asks here once it resolves; a remote store that is away loses it when it is back. */
  async remove(key: MediaKey): Promise<boolean> {
    const wasHere = await this.#local.remove(key)
    if (this.#listener.isAway) return this.#removeLater(key)
    try {
      return (await this.#remote.remove(key)) || wasHere
    } catch (error) {
      if (!(error instanceof PoulsenError && error.kind === 'unavailable')) throw error
      return this.#removeLater(key)
    }
  }

  async #removeLater(key: MediaKey): Promise<true> {
    await noteRemoval(this.#removals, key)
    this.#listener.removalNoted()
    return true
  }

  async *list(): AsyncGenerator<MediaStat> {
    yield* this.#local.list()
    yield* this.#remote.list()
  }

  async sweepUnfinished(beforeMs: number): Promise<number> {
    return (await this.#local.sweepUnfinished(beforeMs)) + (await this.#remote.sweepUnfinished(beforeMs))
  }

  freeBytes(): Promise<number | undefined> {
    return this.#local.freeBytes()
  }

  /** Whether something can be stored: here. */
  check(): Promise<void> {
    return this.#local.check()
  }

  /** Here first: it is nearer, and what is moved while we look is there when it is gone here. */
  async #eitherOf<T>(ask: (store: MediaStore) => Promise<T>): Promise<T> {
    try {
      return await ask(this.#local)
    } catch (error) {
      if (!hasCode(error, 'MEDIA_NOT_FOUND')) throw error
      return ask(this.#remote)
    }
  }
}

const noteRemoval = async (removals: MediaStore, key: MediaKey): Promise<void> => {
  const note = await removals.open(key)
  try {
    await note.finalise()
  } catch (error) {
    await note.abort()
    // It is noted already.
    if (!hasCode(error, 'MEDIA_CONFLICT')) throw error
  }
}
