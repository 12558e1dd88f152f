import { hasCode } from '../domain/errors.ts'
import type { MediaFormat, MediaObject } from '../domain/media-object.ts'
import type { LiveMedia } from '../ports/live-recordings.ts'
import type { MediaStat, MediaStore } from '../ports/media-store.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import type { TranscodeRequest, Transcoder } from '../ports/transcoder.ts'

/** The formats that can be made from another one. */
export type DerivedFormat = 'wav' | 'mp3'
/** A better encoder's bytes are never mistaken for the old one's. */
export const DERIVATION_VERSION = 2
type Conversion = Omit<TranscodeRequest, 'source' | 'append'>
/** Recordings in progress whose last WAV is remembered. */
const GROWING_MAX = 1_000
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
  /** What was made last of a recording in progress, by the key of its media. */
  readonly #growing = new Map<string, string>()
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

  /**
   * The WAV of what there is now of a recording in progress. One is made at a time: who asks meanwhile gets the same. Each takes the place of the one before.
   * Rejects as {@link Derivations.derive} does.
   */
  deriveGrowing(media: MediaObject, live: LiveMedia): Promise<MediaStat> {
    const name = `${media.key}.live`
    const running = this.#running.get(name)
    if (running) return running
    const key = `${name}-${live.byteSize}.wav`
    const run = this.#deriveGrowing(key, media, live).finally(() => this.#running.delete(name))
    this.#running.set(name, run)
    return run
  }

  /** Drops whatever was derived from these bytes. */
  async forget(media: MediaObject): Promise<void> {
    for (const format of DERIVED_FORMATS) await this.#drop(derivedKey(media, format))
    await this.#replaceGrowing(media, undefined)
  }

  async #deriveGrowing(key: string, media: MediaObject, live: LiveMedia): Promise<MediaStat> {
    const cached = await this.#findCached(key)
    if (cached) return cached
    const read = (signal: AbortSignal) => live.read({ startBytes: 0, endBytes: live.byteSize }, signal)
    const stat = await this.#run(key, read, { ...conversionOf(media, 'wav'), isGrowing: true })
    await this.#replaceGrowing(media, key)
    return stat
  }

  async #replaceGrowing({ key }: MediaObject, newest: string | undefined): Promise<void> {
    const before = this.#growing.get(key)
    this.#growing.delete(key)
    if (newest !== undefined) this.#growing.set(key, newest)
    const [oldest] = this.#growing
    if (oldest && this.#growing.size > GROWING_MAX) {
      this.#growing.delete(oldest[0])
      await this.#drop(oldest[1])
    }
    if (before !== undefined && before !== newest) await this.#drop(before)
  }

  #start(key: string, media: MediaObject, to: DerivedFormat): Promise<MediaStat> {
    const read = (signal: AbortSignal) => this.#mediaStore.read(media.key, undefined, signal)
    const run = this.#run(key, read, conversionOf(media, to)).finally(() => this.#running.delete(key))
    this.#running.set(key, run)
    return run
  }

  async #run(
    key: string,
    read: (signal: AbortSignal) => Promise<AsyncIterable<Uint8Array>>,
    conversion: Conversion,
  ): Promise<MediaStat> {
    const { to } = conversion
    const writer = await this.#cache.open(key)
    const done = new AbortController()
    try {
      const source = await read(done.signal)
      const append = (bytes: Uint8Array) => writer.append(bytes)
      const { header } = await this.#transcoder.transcode({ ...conversion, source, append })
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

/** A recording's WAV has one rate. */
const conversionOf = ({ format, wav }: MediaObject, to: DerivedFormat): Conversion => ({
  from: format,
  to,
  ...(wav && to === 'wav' && { wavRateHz: wav.sampleRateHz }),
})

const derivedKey = (media: MediaObject, to: DerivedFormat): string => `${media.key}.v${DERIVATION_VERSION}.${to}`
