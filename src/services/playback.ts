import { hash, timingSafeEqual } from 'node:crypto'
import { hasCode, PoulsenError } from '../domain/errors.ts'
import { MEDIA_TYPES, type MediaFormat, type MediaObject, urlFormatOf } from '../domain/media-object.ts'
import type { Project } from '../domain/project.ts'
import { isFinal, type Recording } from '../domain/recording.ts'
import type { Uuid } from '../domain/uuid.ts'
import type { Catalogue } from '../ports/catalogue.ts'
import type { Clock } from '../ports/clock.ts'
import type { LiveMedia, LiveRecordings } from '../ports/live-recordings.ts'
import type { ByteRange, MediaKey, MediaStat, MediaStore } from '../ports/media-store.ts'
import { DERIVATION_VERSION, type Derivations, isDerivedFormat } from './derivations.ts'
import { findMedia } from './find-media.ts'
import { MediaSigner } from './media-signature.ts'

/** The capability in a media URL's query: a signature, and when it stops counting (Unix seconds), if ever. */
export interface Capability {
  readonly sig: string
  readonly exp?: string
}

/** A representation of a recording that can be read, whole or in part. */
export interface Playable {
  readonly mediaType: string
  readonly byteSize: number
  /** Strong entity tag without quotes: equal tags mean equal bytes. */
  readonly tag: string
  readonly modifiedMs: number
  /** True while the recording is in progress: the next who asks may find more bytes, in the same second even, so that no date tells them apart. */
  readonly isGrowing: boolean
  readonly read: (range: ByteRange, signal: AbortSignal) => Promise<AsyncIterable<Uint8Array>>
  /** A URL that gives the same bytes for a while to whoever has it; undefined when they are on this machine. Absent when nobody is to be sent away. */
  readonly locate?: () => Promise<string | undefined>
}

/** Makes a URL that gives an object of the shared media store, under a media type, to whoever has it. */
export type Presign = (key: MediaKey, mediaType: string) => Promise<string>

/** An object of a media store that can be played. */
interface Stored {
  readonly key: MediaKey
  readonly byteSize: number
  readonly format: MediaFormat
  readonly tag: string
  readonly modifiedMs: number
}

const MS_PER_SECOND = 1000
/** Begins the tags of what grows, so that none is ever that of a finished recording. */
const GROWING = 'live-'
const TAG_DIGITS = 32
const EXPIRY = /^\d{0,16}$/

/** Gives out media: signs and checks its URLs, and opens the bytes in the container that was asked for. */
export class Playback {
  readonly #catalogue: Catalogue
  readonly #live: LiveRecordings
  readonly #mediaStore: MediaStore
  readonly #landing: MediaStore
  readonly #cache: MediaStore
  readonly #derivations: Derivations
  readonly #clock: Clock
  readonly #presign: Presign | undefined
  readonly #signer = new MediaSigner()

  constructor(ports: {
    readonly catalogue: Catalogue
    readonly live: LiveRecordings
    readonly mediaStore: MediaStore
    /** Where the file of a call becomes an object when it has ended; the media store itself unless it is in two places. */
    readonly landing?: MediaStore
    readonly cache: MediaStore
    readonly derivations: Derivations
    readonly clock: Clock
    /** Present when listeners are sent to the shared media store. */
    readonly presign?: Presign
  }) {
    this.#presign = ports.presign
    this.#catalogue = ports.catalogue
    this.#live = ports.live
    this.#mediaStore = ports.mediaStore
    this.#landing = ports.landing ?? ports.mediaStore
    this.#cache = ports.cache
    this.#derivations = ports.derivations
    this.#clock = ports.clock
  }

  /** Path and query of a recording's media, relative to the server's origin. Signed unless the project protects its recordings. */
  mediaPath(project: Project, recording: Recording): string {
    const format = recording.media ? urlFormatOf(recording.media) : 'wav'
    const path = `/files/${project.id}/recordings/${recording.id}.${format}`
    if (project.protectRecordings) return path
    const ttl = project.mediaUrlTtlSeconds
    const exp = ttl === undefined ? '' : String(Math.floor(this.#clock.nowMs() / MS_PER_SECOND) + ttl)
    return `${path}?sig=${this.#sign(project, recording.id, exp)}${exp && `&exp=${exp}`}`
  }

  /**
   * True when the capability opens this recording now: signed by the project's key, not expired, and the project not protected. One without
   * an expiry counts only while the project sets no limit.
   */
  isOpenedBy(project: Project, id: Uuid, capability: Capability): boolean {
    const exp = capability.exp ?? ''
    if (project.protectRecordings || (exp === '' && project.mediaUrlTtlSeconds !== undefined)) return false
    if (!EXPIRY.test(exp)) return false
    const given = Buffer.from(capability.sig)
    const expected = Buffer.from(this.#sign(project, id, exp))
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return false
    return exp === '' || Number(exp) * MS_PER_SECOND > this.#clock.nowMs()
  }

  /**
   * The recording's bytes as received when `format` is theirs, else derived (the first request waits for the derivation). Of one in progress: what
   * there is now, in its own format only; its reading rejects with MEDIA_NOT_FOUND when it has ended since, and who opens it again gets what it became.
   * Rejects with MEDIA_NOT_FOUND for a recording without bytes, one in progress elsewhere, or a format that
   * cannot be made of them (yet), and as {@link Derivations.derive} does.
   */
  async open(recording: Recording, format: MediaFormat): Promise<Playable> {
    if (isFinal(recording.status)) return this.#openFinished(recording, format)
    const isStored = (await this.#findLanded(recording)) !== undefined
    const live = isStored ? undefined : await this.#live.open(recording.id)
    if (!live) return this.#openEnded(recording, format)
    const { media } = recording
    if (media?.wav && format === 'wav') {
      try {
        return await this.#growingWav(media, live)
      } catch (error) {
        if (!hasCode(error, 'MEDIA_NOT_FOUND')) throw error
        // It has ended since it was looked at.
        return this.#openEnded(recording, format)
      }
    }
    if (media?.format !== format) throw notYet(recording.id, format)
    return this.#growing(live, format)
  }

  /** One whose row was not final when it was read, and which is in progress no more. Once more is enough: it never goes back into progress. */
  async #openEnded({ projectId, id }: Recording, format: MediaFormat): Promise<Playable> {
    const recording = await this.#catalogue.findRecording(projectId, id)
    if (!recording) throw notHere(id)
    if (isFinal(recording.status)) return this.#openFinished(recording, format)
    const stored = await this.#findLanded(recording)
    if (!stored) throw notHere(id)
    // Its file is an object already, and will not change: only its row does not say so yet.
    return this.#openFinished({ ...recording, updatedAtMs: stored.modifiedMs }, format)
  }

  async #findLanded({ media }: Recording): Promise<MediaStat | undefined> {
    return media && findMedia(this.#landing, media.key)
  }

  async #openFinished(recording: Recording, format: MediaFormat): Promise<Playable> {
    const { media } = recording
    if (!media) throw notPlayable(recording.id, format)
    const modifiedMs = recording.updatedAtMs
    if (media.format === format) return this.#original(media, modifiedMs)
    if (!isDerivedFormat(format)) throw notPlayable(recording.id, format)
    const derived = await this.#derivations.derive(media, format)
    const tag = `${tagOf(media)}-${format}${DERIVATION_VERSION}`
    return this.#stored(this.#cache, { key: derived.key, byteSize: derived.byteSize, format, tag, modifiedMs })
  }

  #sign(project: Project, id: Uuid, exp: string): string {
    return this.#signer.sign(project.mediaKey, `${id} ${exp}`)
  }

  #growing(live: LiveMedia, format: MediaFormat): Playable {
    const read = (range: ByteRange, signal: AbortSignal) => live.read(range, signal)
    const tag = `${GROWING}${live.tag}`
    const { byteSize } = live
    return { mediaType: MEDIA_TYPES[format], byteSize, tag, modifiedMs: this.#clock.nowMs(), isGrowing: true, read }
  }

  async #growingWav(media: MediaObject, live: LiveMedia): Promise<Playable> {
    const { key, byteSize } = await this.#derivations.deriveGrowing(media, live)
    const tag = `${GROWING}${hash('sha256', key).slice(0, TAG_DIGITS)}`
    const stored = { key, byteSize, format: 'wav' as const, tag, modifiedMs: this.#clock.nowMs() }
    return { ...this.#stored(this.#cache, stored), isGrowing: true }
  }

  async #original(media: MediaObject, modifiedMs: number): Promise<Playable> {
    const { key, format } = media
    const byteSize = media.byteSize ?? (await this.#mediaStore.stat(key)).byteSize
    const playable = this.#stored(this.#mediaStore, { key, byteSize, format, tag: tagOf(media), modifiedMs })
    const presign = this.#presign
    if (!presign) return playable
    const locate = async () => ((await findMedia(this.#landing, key)) ? undefined : presign(key, playable.mediaType))
    return { ...playable, locate }
  }

  #stored(store: MediaStore, parts: Stored): Playable {
    const { key, byteSize, format, tag, modifiedMs } = parts
    const read = (range: ByteRange, signal: AbortSignal) => store.read(key, range, signal)
    return { mediaType: MEDIA_TYPES[format], byteSize, tag, modifiedMs, isGrowing: false, read }
  }
}

/**
 * Of the key, and not of the bytes: that is known before their hash is, and says as much, since objects are immutable and every attempt to
 * store one has a key of its own.
 */
const tagOf = ({ key }: MediaObject): string => hash('sha256', key).slice(0, TAG_DIGITS)

const notFound = (message: string, hint?: string) =>
  new PoulsenError({ code: 'MEDIA_NOT_FOUND', kind: 'not-found', message, ...(hint !== undefined && { hint }) })

const notPlayable = (id: Uuid, format: MediaFormat) => notFound(`Recording ${id} cannot be had as ${format}.`)

const notYet = (id: Uuid, format: MediaFormat) =>
  notFound(
    `Recording ${id} cannot be had as ${format} yet.`,
    'It is in progress: ask for its `url`, or ask again when it has ended.',
  )

const notHere = (id: Uuid) =>
  notFound(
    `Recording ${id} cannot be heard here yet.`,
    'It is in progress, or was when its server stopped: ask again in a moment.',
  )
