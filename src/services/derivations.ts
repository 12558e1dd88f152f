import { hasCode } from '../domain/errors.ts'
import type { MediaFormat, MediaObject } from '../domain/media-object.ts'
import type { MediaStat, MediaStore } from '../ports/media-store.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import type { Transcoder } from '../ports/transcoder.ts'

/** The formats that can be made from another one. */
export type DerivedFormat = 'wav' | 'mp3'
const DERIVED_FORMATS: readonly DerivedFormat[] = ['wav', 'mp3']

/** True when `format` is one that can be made from another. */
export const isDerivedFormat = (format: MediaFormat): format is DerivedFormat => format !== 'ogg'

/**
 * Makes another container of a recording on first request and keeps it in a bounded cache, least recently used out first.
 * Concurrent requests for the same one share one run. A derivation is a pure function of immutable bytes, so the cache may be thrown away at any time.
 */
export class Derivations {
  readonly #mediaStore: MediaStore
  readonly #cache: MediaStore
  readonly #transcoder: Transcoder
  readonly #telemetry: Telemetry
  readonly #cacheMaxBytes: number
  readonly #running = new Map<string, Promise<MediaStat>>()
  /** Sizes of what is cached; a Map keeps insertion order, and each use re-inserts: oldest use first. */
  readonly #sizes = new Map<string, number>()
  #cachedBytes = 0

  constructor(ports: {
    readonly mediaStore: MediaStore
    readonly cache: MediaStore
    readonly transcoder: Transcoder
    readonly telemetry: Telemetry
    readonly cacheMaxBytes: number
  }) {
    this.#mediaStore = ports.mediaStore
    this.#cache = ports.cache
    this.#transcoder = ports.transcoder
    this.#telemetry = ports.telemetry
    this.#cacheMaxBytes = ports.cacheMaxBytes
  }

  /** Learns what an earlier run left in the cache. */
  async start(): Promise<void> {
    const left = await Array.fromAsync(this.#cache.list())
    for (const { key, byteSize } of left.sort((a, b) => a.modifiedMs - b.modifiedMs)) this.#note(key, byteSize)
    await this.#evict()
  }

  /** Where in the cache the other container of `media` is, made now when it is not there yet. Rejects with TRANSCODE_FAILED, TRANSCODER_BUSY, MEDIA_…. */
  async derive(media: MediaObject, to: DerivedFormat): Promise<MediaStat> {
    const key = derivedKey(media, to)
    const cached = await this.#findCached(key)
    if (cached) {
      this.#telemetry.derivationEnded('cached', to)
      return cached
    }
    const run = this.#running.get(key) ?? this.#start(key, media, to)
    return run
  }

  /** Drops whatever was derived from these bytes. */
  async forget(media: MediaObject): Promise<void> {
    for (const format of DERIVED_FORMATS) await this.#drop(derivedKey(media, format))
  }

  #start(key: string, media: MediaObject, to: DerivedFormat): Promise<MediaStat> {
    const run = this.#run(key, media, to).finally(() => this.#running.delete(key))
    this.#running.set(key, run)
    return run
  }

  async #run(key: string, media: MediaObject, to: DerivedFormat): Promise<MediaStat> {
    const writer = await this.#cache.open(key)
    const done = new AbortController()
    try {
      const source = await this.#mediaStore.read(media.key, undefined, done.signal)
      const append = (bytes: Uint8Array) => writer.append(bytes)
      const { header } = await this.#transcoder.transcode({ from: media.format, to, source, append })
      await writer.finalise(header)
      const stat = await this.#cache.stat(key)
      this.#note(key, stat.byteSize)
      await this.#evict(key)
      this.#telemetry.derivationEnded('derived', to)
      return stat
    } catch (error) {
      this.#telemetry.derivationEnded('failed', to)
      throw error
    } finally {
      done.abort()
      await writer.abort()
    }
  }

  async #findCached(key: string): Promise<MediaStat | undefined> {
    if (!this.#sizes.has(key)) return undefined
    try {
      const stat = await this.#cache.stat(key)
      this.#note(key, stat.byteSize)
      return stat
    } catch (error) {
      if (!hasCode(error, 'MEDIA_NOT_FOUND')) throw error
      this.#unnote(key)
      return undefined
    }
  }

  #note(key: string, byteSize: number): void {
    this.#unnote(key)
    this.#sizes.set(key, byteSize)
    this.#cachedBytes += byteSize
  }

  #unnote(key: string): void {
    this.#cachedBytes -= this.#sizes.get(key) ?? 0
    this.#sizes.delete(key)
  }

  async #drop(key: string): Promise<void> {
    this.#unnote(key)
    await this.#cache.remove(key)
  }

  /** Drops the least recently used until the cache fits; never the one that was just asked for. */
  async #evict(keep?: string): Promise<void> {
    for (const key of this.#sizes.keys()) {
      if (this.#cachedBytes <= this.#cacheMaxBytes) return
      if (key !== keep) await this.#drop(key)
    }
  }
}

const derivedKey = (media: MediaObject, to: DerivedFormat): string => `${media.key}.${to}`
