import { hasCode } from '../../domain/errors.ts'
import type { MediaObject } from '../../domain/media-object.ts'
import type { Recording } from '../../domain/recording.ts'
import { Sealing } from '../sealing.ts'
import { MISSING, type Problem, problemOf, readVerified } from '../verified-media.ts'
import { copyMedia } from './copy-media.ts'
import type { Pair } from './pair-sorted.ts'
import { type RecordingRow, stepFor } from './recording-rows.ts'
import type { Migrated } from './sides.ts'
import type { Tally } from './tally.ts'

const IN_PROGRESS = 'is in progress'

/** Makes the target's recordings what the source's are, one at a time. May be cut off anywhere: bytes go before their row, a row before its bytes when it is removed. */
export class RecordingMover {
  readonly #sides: Migrated
  readonly #tally: Tally
  readonly #sealing: Sealing

  constructor(sides: Migrated, tally: Tally) {
    this.#sides = sides
    this.#tally = tally
    this.#sealing = new Sealing(sides.source)
  }

  /** Does what the rows of both sides ask for. Rejects as catalogues and media stores do. */
  async move(pair: Pair<RecordingRow>): Promise<void> {
    const step = stepFor(pair)
    const { source, target } = pair
    if (target && step === 'remove') return this.#remove(target.recording)
    if (!source) return
    const { recording } = source
    if (step === 'leave') this.#tally.left.add(recording, IN_PROGRESS)
    else if (step === 'copy') await this.#copy(recording)
    else if (step === 'append') await this.#appendMetadata(recording, target?.versions ?? 0)
    if (step === 'none' || step === 'append') this.#tally.unchanged += 1
  }

  async #copy(recording: Recording): Promise<void> {
    const sealed = await this.#seal(recording)
    const problem = typeof sealed === 'string' ? sealed : await this.#moveMedia(sealed)
    if (typeof sealed === 'string' || problem !== undefined) return this.#explain(recording, problem)
    await this.#putRow(sealed)
    this.#tally.copied += 1
  }

  /** With its hash: what its bytes are must be known before they are copied. A problem when they cannot be read. */
  async #seal(recording: Recording): Promise<Recording | string> {
    if (!hasBytes(recording)) return recording
    const { mediaStore } = this.#sides.source
    return this.#sealing.seal(recording).catch((error: unknown) => problemOf(error, mediaStore))
  }

  async #moveMedia(recording: Recording): Promise<Problem> {
    const { media } = recording
    if (!media || !hasBytes(recording)) return undefined
    let readBytes = 0
    const problem = await this.#moveBytes(media, (count) => {
      readBytes += count
      this.#tally.bytes += count
    })
    // Counted as they went, for who watches; in the end it is what was moved that counts.
    this.#tally.bytes += (problem === undefined ? (media.byteSize ?? 0) : 0) - readBytes
    return problem
  }

  async #moveBytes(media: MediaObject, onBytes: (count: number) => void): Promise<Problem> {
    const { source, target, isSameMedia } = this.#sides
    const shared = isSameMedia ? await readVerified(target.mediaStore, media, ({ length }) => onBytes(length)) : MISSING
    // Of what both share, a part may still be on the source's disk.
    return shared === MISSING ? copyMedia({ from: source.mediaStore, to: target.mediaStore, media, onBytes }) : shared
  }

  /** Bytes that are not to be had belong to a recording that was deleted meanwhile, or are elsewhere, or are lost. */
  async #explain({ projectId, id }: Recording, problem = MISSING): Promise<void> {
    const { source } = this.#sides
    const recording = await source.catalogue.findRecording(projectId, id)
    if (!recording) return
    const holder = problem === MISSING ? await source.findHolder?.(projectId, id) : undefined
    if (holder === undefined) this.#tally.wrong.add(recording, problem)
    else this.#tally.left.add(recording, `is on the disk of node ${holder}`)
  }

  /** Writes the row, in the place of an older one. */
  async #putRow(recording: Recording): Promise<void> {
    const { source, target } = this.#sides
    const { projectId, id } = recording
    const details = await source.catalogue.findCallDetails(projectId, id)
    const write = () => target.catalogue.createRecording(recording, details)
    try {
      await write()
    } catch (error) {
      if (!hasCode(error, 'CATALOGUE_CONFLICT')) throw error
      const older = await target.catalogue.deleteRecording(projectId, id)
      await write()
      if (older?.media && older.media.key !== recording.media?.key) await this.#removeMedia(older.media)
    }
    await this.#appendMetadata(recording, 0)
  }

  async #appendMetadata({ projectId, id }: Recording, from: number): Promise<void> {
    const { source, target } = this.#sides
    const versions = await source.catalogue.listMetadata(projectId, id)
    for (const version of versions.slice(from)) await target.catalogue.appendMetadata(projectId, id, version)
  }

  /** Once more with the rows as they are now: it may have come back under the same id, at another time. */
  async #remove({ projectId, id }: Recording): Promise<void> {
    const { source, target } = this.#sides
    const stored = await source.catalogue.findRecording(projectId, id)
    const copied = await target.catalogue.findRecording(projectId, id)
    if (stored) return this.move({ source: rowOf(stored), ...(copied && { target: rowOf(copied) }) })
    const removed = await target.catalogue.deleteRecording(projectId, id)
    if (!removed) return
    this.#tally.removed += 1
    if (removed.media) await this.#removeMedia(removed.media)
  }

  /** What both sides share is removed by the source's own server. */
  async #removeMedia({ key }: MediaObject): Promise<void> {
    if (!this.#sides.isSameMedia) await this.#sides.target.mediaStore.remove(key)
  }
}

const rowOf = (recording: Recording): RecordingRow => ({ recording, versions: 0 })

/** False also for what a lost node was recording: it had no time to say how much there is, and nobody has the bytes. */
const hasBytes = ({ media }: Recording): boolean => media?.byteSize !== undefined
