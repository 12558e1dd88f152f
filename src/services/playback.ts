import { timingSafeEqual } from 'node:crypto'
import { PoulsenError } from '../domain/errors.ts'
import { MEDIA_TYPES, type MediaFormat, type MediaObject } from '../domain/media-object.ts'
import type { Project } from '../domain/project.ts'
import type { Recording } from '../domain/recording.ts'
import type { Uuid } from '../domain/uuid.ts'
import type { Clock } from '../ports/clock.ts'
import type { ByteRange, MediaKey, MediaStore } from '../ports/media-store.ts'
import { type Derivations, isDerivedFormat } from './derivations.ts'
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
  readonly read: (range: ByteRange, signal: AbortSignal) => Promise<AsyncIterable<Uint8Array>>
}

const MS_PER_SECOND = 1000
/** Part of derived tags, so that a better encoder is never mistaken for the old one's bytes. */
const DERIVATION_VERSION = 1
const TAG_DIGITS = 32
const EXPIRY = /^\d{0,16}$/

/** Gives out media: signs and checks its URLs, and opens the bytes in the container that was asked for. */
export class Playback {
  readonly #mediaStore: MediaStore
  readonly #cache: MediaStore
  readonly #derivations: Derivations
  readonly #clock: Clock
  readonly #signer = new MediaSigner()

  constructor(ports: {
    readonly mediaStore: MediaStore
    readonly cache: MediaStore
    readonly derivations: Derivations
    readonly clock: Clock
  }) {
    this.#mediaStore = ports.mediaStore
    this.#cache = ports.cache
    this.#derivations = ports.derivations
    this.#clock = ports.clock
  }

  /** Path and query of a recording's media, relative to the server's origin. Signed unless the project protects its recordings. */
  mediaPath(project: Project, recording: Recording): string {
    const format = recording.media?.format ?? 'wav'
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
   * The recording's bytes as received when `format` is theirs, else derived (the first request waits for the derivation).
   * Rejects with MEDIA_NOT_FOUND for a recording without bytes or a format that cannot be made of them, and as {@link Derivations.derive} does.
   */
  async open(recording: Recording, format: MediaFormat): Promise<Playable> {
    const { media } = recording
    if (!media) throw notPlayable(recording.id, format)
    const modifiedMs = recording.updatedAtMs
    if (media.format === format) return this.#original(media, modifiedMs)
    if (!isDerivedFormat(format)) throw notPlayable(recording.id, format)
    const derived = await this.#derivations.derive(media, format)
    const tag = `${media.sha256.slice(0, TAG_DIGITS)}-${format}${DERIVATION_VERSION}`
    return this.#playable(this.#cache, { key: derived.key, byteSize: derived.byteSize, format, tag, modifiedMs })
  }

  #sign(project: Project, id: Uuid, exp: string): string {
    return this.#signer.sign(project.mediaKey, `${id} ${exp}`)
  }

  async #original(media: MediaObject, modifiedMs: number): Promise<Playable> {
    const { key, byteSize, format, sha256 } = media
    return this.#playable(this.#mediaStore, { key, byteSize, format, tag: sha256.slice(0, TAG_DIGITS), modifiedMs })
  }

  #playable(
    store: MediaStore,
    parts: {
      readonly key: MediaKey
      readonly byteSize: number
      readonly format: MediaFormat
      readonly tag: string
      readonly modifiedMs: number
    },
  ): Playable {
    const { key, byteSize, format, tag, modifiedMs } = parts
    const read = (range: ByteRange, signal: AbortSignal) => store.read(key, range, signal)
    return { mediaType: MEDIA_TYPES[format], byteSize, tag, modifiedMs, read }
  }
}

const notPlayable = (id: Uuid, format: MediaFormat) =>
  new PoulsenError({
    code: 'MEDIA_NOT_FOUND',
    kind: 'not-found',
    message: `Recording ${id} cannot be had as ${format}.`,
  })
