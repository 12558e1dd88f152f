import type { CallDetails } from '../domain/call-details.ts'
import { PoulsenError } from '../domain/errors.ts'
import type { Page, PageRequest } from '../domain/page.ts'
import { isFinal, type Recording } from '../domain/recording.ts'
import type { MetadataVersion } from '../domain/session-metadata.ts'
import type { Uuid } from '../domain/uuid.ts'
import type { Catalogue } from '../ports/catalogue.ts'
import type { LiveRecordings } from '../ports/live-recordings.ts'
import type { MediaStore } from '../ports/media-store.ts'
import type { Derivations } from './derivations.ts'

/** Finds, lists and deletes a project's recordings. */
export class Recordings {
  readonly #catalogue: Catalogue
  readonly #mediaStore: MediaStore
  readonly #live: LiveRecordings
  readonly #derivations: Derivations

  constructor(ports: {
    readonly catalogue: Catalogue
    readonly mediaStore: MediaStore
    readonly live: LiveRecordings
    readonly derivations: Derivations
  }) {
    this.#catalogue = ports.catalogue
    this.#mediaStore = ports.mediaStore
    this.#live = ports.live
    this.#derivations = ports.derivations
  }

  find(projectId: Uuid, id: Uuid): Promise<Recording | undefined> {
    return this.#catalogue.findRecording(projectId, id)
  }

  /** Rejects with RECORDING_NOT_FOUND when the project has no such recording, whoever else may have one. */
  async get(projectId: Uuid, id: Uuid): Promise<Recording> {
    return (await this.#catalogue.findRecording(projectId, id)) ?? notFound(id)
  }

  /** The same with what is known of its call; nothing of one that was not live. */
  async getWithCall(
    projectId: Uuid,
    id: Uuid,
  ): Promise<{ readonly recording: Recording; readonly call: CallDetails | undefined }> {
    const recording = await this.get(projectId, id)
    return { recording, call: await this.#catalogue.findCallDetails(projectId, id) }
  }

  /**
   * The metadata documents of a recording, oldest first; at least one. Rejects with RECORDING_NOT_FOUND, and with METADATA_NOT_FOUND when no session
   * recording client has sent any, or none was to be kept.
   */
  async getMetadata(projectId: Uuid, id: Uuid): Promise<readonly MetadataVersion[]> {
    const versions = await this.#catalogue.listMetadata(projectId, id)
    if (versions.length > 0) return versions
    await this.get(projectId, id)
    throw new PoulsenError({
      code: 'METADATA_NOT_FOUND',
      kind: 'not-found',
      message: `There is no metadata of recording ${id}.`,
    })
  }

  list(projectId: Uuid, request: PageRequest): Promise<Page> {
    return this.#catalogue.listRecordings(projectId, request)
  }

  /**
   * Deletes a recording: the row first, durably, then its bytes. A crash between the two leaves only bytes without a row,
   * which the sweeper removes. One in progress ends, and its audio is thrown away. Rejects with RECORDING_NOT_FOUND.
   */
  async delete(projectId: Uuid, id: Uuid): Promise<void> {
    const { media, status } = (await this.#catalogue.deleteRecording(projectId, id)) ?? notFound(id)
    if (!isFinal(status)) await this.#live.discard(id)
    // Also after a discard: the call may have ended just now, and its bytes be in the media store already.
    if (media) await this.#mediaStore.remove(media.key)
    await this.#derivations.forget({ projectId, recordingId: id })
  }
}

const notFound = (id: Uuid): never => {
  throw new PoulsenError({
    code: 'RECORDING_NOT_FOUND',
    kind: 'not-found',
    message: `There is no recording ${id} in this project.`,
  })
}
