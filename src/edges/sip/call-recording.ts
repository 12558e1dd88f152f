import type { CallRequest, MediaPorts, RecordedCall, Reservation, StreamTerms } from '../../capture/call-recorder.ts'
import type { EndReason } from '../../domain/call-details.ts'
import { hasCode } from '../../domain/errors.ts'
import type { MetadataVersion } from '../../domain/session-metadata.ts'
import type { Uuid } from '../../domain/uuid.ts'

/** What is recorded, all but its streams. */
export type CallDescription = Omit<CallRequest, 'streams' | 'security' | 'metadata' | 'trunkId'> & {
  readonly trunkId: Uuid
}

/** How the recording came out. */
export interface RecordingOutcome {
  readonly recordingId?: Uuid
  readonly reason: EndReason
  readonly error?: unknown
}

/**
 * The recording of one call: ports that wait, then a recording. It begins when somebody may be heard, so that a recording session without a call in it yet
 * (RFC 7866 §10) leaves nothing behind.
 */
export class CallRecording {
  readonly #reservation: Reservation
  readonly #describe: () => CallDescription
  readonly #onEnded: (reason: EndReason) => void
  /** Metadata that came before there was a recording to keep it with. */
  readonly #pending: MetadataVersion[] = []
  #recorded: Promise<RecordedCall> | undefined

  constructor(options: {
    readonly reservation: Reservation
    /** Asked once, when the recording begins. */
    readonly describe: () => CallDescription
    /** It has ended, by request or by itself. */
    readonly onEnded: (reason: EndReason) => void
  }) {
    this.#reservation = options.reservation
    this.#describe = options.describe
    this.#onEnded = options.onEnded
  }

  get hasBegun(): boolean {
    return this.#recorded !== undefined
  }

  /** Ports for one more stream. Rejects as {@link Reservation.addStream} does. */
  addStream(): Promise<MediaPorts> {
    return this.#reservation.addStream()
  }

  /** Begins; resolves when the row is committed. Rejects with what the recorder says; the ports are released then. */
  async begin(terms: StreamTerms): Promise<void> {
    const [metadata, ...later] = this.#pending.splice(0)
    this.#recorded = this.#reservation.begin({ ...this.#describe(), ...terms, ...(metadata && { metadata }) })
    const recorded = await this.#recorded
    void recorded.ended.then(this.#onEnded)
    for (const version of later) await append(recorded, version)
  }

  /** New terms of the media. */
  update(terms: StreamTerms): void {
    void this.#recorded?.then(
      (recorded) => recorded.update(terms),
      // Who waits for the begin hears of its failure.
      () => {},
    )
  }

  /** Keeps a metadata document, now or with the beginning; resolves when it is durable. Rejects with CATALOGUE_… codes. */
  async keep(version: MetadataVersion): Promise<void> {
    if (this.#recorded) await append(await this.#recorded, version)
    else if (this.#pending.length < PENDING_MAX) this.#pending.push(version)
  }

  /** Ends the recording, or gives back its ports when it has not begun. Never rejects. */
  async end(reason: EndReason): Promise<RecordingOutcome> {
    if (!this.#recorded) {
      this.#reservation.release()
      return { reason }
    }
    let recordingId: Uuid | undefined
    try {
      const recorded = await this.#recorded
      recordingId = recorded.recordingId
      await recorded.end(reason)
      return { recordingId, reason: await recorded.ended }
    } catch (error) {
      return { ...(recordingId !== undefined && { recordingId }), reason, error }
    }
  }
}

const PENDING_MAX = 64

/** A recording that is gone, or has as much as it may have, takes no more: the call goes on. */
const append = async (recorded: RecordedCall, version: MetadataVersion): Promise<void> => {
  try {
    await recorded.appendMetadata(version)
  } catch (error) {
    if (!hasCode(error, 'CATALOGUE_NOT_FOUND') && !hasCode(error, 'CATALOGUE_CONFLICT')) throw error
  }
}
