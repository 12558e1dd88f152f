import { hasCode, PoulsenError } from '../domain/errors.ts'
import type { MediaFormat, MediaObject } from '../domain/media-object.ts'
import type { LiveMedia } from '../ports/live-recordings.ts'
import type { MediaKey, MediaStat, MediaStore } from '../ports/media-store.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import type { TranscodeRequest, Transcoder } from '../ports/transcoder.ts'
import { type MediaOwner, mediaKeyPrefix } from './media-key.ts'

/** The formats that can be made from another one. */
export type DerivedFormat = 'wav' | 'mp3'
/** A better encoder's bytes are never mistaken for the old one's. */
export const DERIVATION_VERSION = 2
type Conversion = Omit<TranscodeRequest, 'source' | 'append'>
/** Recordings in progress whose last WAV is remembered. */
const GROWING_MAX = 1_000
/** One derivation: what it is shared by, where it goes, what of. */
interface Work {
  readonly name: string
  readonly key: MediaKey
  readonly read: (signal: AbortSignal) => Promise<AsyncIterable<Uint8Array>>
  readonly conversion: Conversion
}

const GROWING_KEY = /\.live-\d+\.wav$/

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
  /** What was made last of a recording in progress, newest first, by what its keys begin with. */
  readonly #growing = new Map<string, readonly string[]>()
  /** Those that run and whose recording has been deleted meanwhile. */
  readonly #forgotten = new Set<string>()
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
  derive(media: MediaObject, to: DerivedFormat): Promise<MediaStat> {
    const key = derivedKey(media, to)
    const read = (signal: AbortSignal) => this.#mediaStore.read(media.key, undefined, signal)
    return this.#once(key, () => this.#make({ name: key, key, read, conversion: conversionOf(media, to) }))
  }

  /**
   * The WAV of what there is now of a recording in progress. One is made at a time: who asks meanwhile gets the same. Each takes the place of the one before.
   * Rejects as {@link Derivations.derive} does.
   */
  deriveGrowing(media: MediaObject, live: LiveMedia): Promise<MediaStat> {
    const name = `${media.key}.live`
    const key = `${name}-${live.byteSize}.wav`
    const read = (signal: AbortSignal) => live.read({ startBytes: 0, endBytes: live.byteSize }, signal)
    const conversion = { ...conversionOf(media, 'wav'), isGrowing: true }
    return this.#once(name, async () => {
      const stat = await this.#make({ name, key, read, conversion })
      await this.#replaceGrowing(media.key, key)
      return stat
    })
  }

  /** Drops whatever was derived of a recording, also of one without any bytes in the end; what is being derived is dropped when it is there. */
  async forget(owner: MediaOwner): Promise<void> {
    const prefix = mediaKeyPrefix(owner)
    for (const name of this.#running.keys()) if (name.startsWith(prefix)) this.#forgotten.add(name)
    for (const key of [...this.#sizes.keys()]) if (key.startsWith(prefix)) await this.#drop(key)
    this.#growing.delete(prefix)
  }

  /** The recording has ended: what was made of it while it grew is of no more use. */
  async endGrowing(owner: MediaOwner): Promise<void> {
    const prefix = mediaKeyPrefix(owner)
    const made = this.#growing.get(prefix) ?? []
    this.#growing.delete(prefix)
    for (const key of made) await this.#drop(key)
  }

  /** Drops what an earlier run of the server made of recordings in progress: none of them is any more. Not beside a running server. */
  async dropGrowing(): Promise<void> {
    for (const key of [...this.#sizes.keys()]) if (GROWING_KEY.test(key)) await this.#drop(key)
  }

  /** The one before stays for who has just been given it. */
  async #replaceGrowing(mediaKey: MediaKey, newest: string): Promise<void> {
    const prefix = mediaKey.slice(0, mediaKey.lastIndexOf('.') + 1)
    const [previous, ...older] = this.#growing.get(prefix) ?? []
    if (previous === newest) return
    this.#growing.delete(prefix)
    this.#growing.set(prefix, previous === undefined ? [newest] : [newest, previous])
    for (const key of older) await this.#drop(key)
    const [oldest] = this.#growing
    if (!oldest || this.#growing.size <= GROWING_MAX) return
    this.#growing.delete(oldest[0])
    for (const key of oldest[1]) await this.#drop(key)
  }

  /** Runs it unless one of this name runs already, whose outcome is shared then. */
  #once(name: string, make: () => Promise<MediaStat>): Promise<MediaStat> {
    const running = this.#running.get(name)
    if (running) return running
    const run = make().finally(() => {
      this.#running.delete(name)
      this.#forgotten.delete(name)
    })
    this.#running.set(name, run)
    return run
  }

  async #make(work: Work): Promise<MediaStat> {
    const { to } = work.conversion
    const cached = await this.#findCached(work.key)
    if (cached) {
      this.#telemetry.derivationEnded('cached', to)
      return cached
    }
    try {
      const stat = await this.#run(work)
      this.#telemetry.derivationEnded('derived', to)
      return stat
    } catch (error) {
      this.#telemetry.derivationEnded('failed', to)
      throw error
    }
  }

  async #run({ name, key, read, conversion }: Work): Promise<MediaStat> {
    const writer = await this.#cache.open(key)
    const done = new AbortController()
    try {
      const source = await read(done.signal)
      const append = (bytes: Uint8Array) => writer.append(bytes)
      const { header } = await this.#transcoder.transcode({ ...conversion, source, append })
      await writer.finalise(header)
      const stat = await this.#cache.stat(key)
      this.#note(key, stat.byteSize)
      if (this.#forgotten.has(name)) throw await this.#takeBack(key)
      await this.#evict(key)
      return stat
    } finally {
      done.abort()
      await writer.abort()
    }
  }

  async #takeBack(key: string): Promise<PoulsenError> {
    await this.#drop(key)
    return new PoulsenError({ code: 'MEDIA_NOT_FOUND', kind: 'not-found', message: 'It has been deleted.' })
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
    const byteSize = this.#sizes.get(key)
    this.#unnote(key)
    try {
      await this.#cache.remove(key)
    } catch (error) {
      // Still there, and still to be found by who deletes its recording.
      if (byteSize !== undefined) this.#note(key, byteSize)
      throw error
    }
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
  // Only what was captured has such a form.
  ...(wav && { isCaptured: true }),
  ...(wav && to === 'wav' && { wavRateHz: wav.sampleRateHz }),
})

const derivedKey = (media: MediaObject, to: DerivedFormat): string => `${media.key}.v${DERIVATION_VERSION}.${to}`
