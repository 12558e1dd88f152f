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
 * What is recorded of one call: ports that wait, then a recording. It begins when somebody may be heard, so that a recording session without a call in it yet
 * (RFC 7866 §10) leaves nothing behind; and it may be followed by another on the same ports, one for each communication session.
 */
export class CallRecording {
  readonly #describe: () => CallDescription
  readonly #onEnded: (reason: EndReason) => void
  /** Metadata that came before there was a recording to keep it with. */
  readonly #pending: MetadataVersion[] = []
  /** What the end of the call waits for: the ends of recordings that others have followed, and the last metadata. */
  readonly #endings = new Set<Promise<void>>()
  #reservation: Reservation
  #description: CallDescription | undefined
  #recorded: Promise<RecordedCall> | undefined
  /** The first thing that went wrong while nobody waited for it. */
  #fault: unknown
  #isOver = false

  constructor(options: {
    readonly reservation: Reservation
    /** Asked once for each recording, when it begins. */
    readonly describe: () => CallDescription
    /** The recording has ended by itself, or was ended with the call. */
    readonly onEnded: (reason: EndReason) => void
  }) {
    this.#reservation = options.reservation
    this.#describe = options.describe
    this.#onEnded = options.onEnded
  }

  get hasBegun(): boolean {
    return this.#recorded !== undefined
  }

  /** What the recording began with, or would. */
  get description(): CallDescription {
    this.#description ??= this.#describe()
    return this.#description
  }

  /** Ports for one more stream. Rejects as {@link Reservation.addStream} does. */
  addStream(): Promise<MediaPorts> {
    return this.#reservation.addStream()
  }

  /** Begins; resolves when the row is committed. Rejects with what the recorder says; the ports are released then. */
  async begin(terms: StreamTerms): Promise<void> {
    this.#description = this.#describe()
    const [metadata, ...later] = this.#pending.splice(0)
    const begun = this.#reservation.begin({ ...this.#description, ...terms, ...(metadata && { metadata }) })
    this.#recorded = begun
    const recorded = await begun
    void recorded.ended.then((reason) => {
      if (this.#recorded === begun) this.#onEnded(reason)
    })
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
    else this.#keepForLater(version)
  }

  /** As {@link CallRecording.keep}, for what comes with the end of the call: what goes wrong is told by the outcome. Never rejects. */
  keepLast(version: MetadataVersion): Promise<void> {
    return this.#beforeEnd(this.keep(version))
  }

  /** The recording has come to its end and the call goes on: what comes next is another's, on the same ports. Rejects as {@link Reservation.succeed} does. */
  async next(): Promise<void> {
    const ending = await this.#recorded
    if (!ending || this.#isOver) return
    const successor = await this.#reservation.succeed()
    if (this.#isOver) {
      // The call has ended meanwhile, and with it the recording before.
      successor.release()
      return
    }
    this.#reservation = successor
    this.#recorded = undefined
    void this.#beforeEnd(ending.end('hangup'))
  }

  /** Ends the recording, or gives back its ports when it has not begun. Never rejects. */
  async end(reason: EndReason): Promise<RecordingOutcome> {
    this.#isOver = true
    const [outcome] = await Promise.all([this.#end(reason), ...this.#endings])
    return this.#fault === undefined ? outcome : { error: this.#fault, ...outcome }
  }

  async #beforeEnd(work: Promise<void>): Promise<void> {
    const done = work.catch((error: unknown) => {
      this.#fault ??= error
    })
    this.#endings.add(done)
    await done
    this.#endings.delete(done)
  }

  /** The first document tells most, usually all there is; of the others the newest are kept. */
  #keepForLater(version: MetadataVersion): void {
    if (this.#pending.length >= PENDING_MAX) this.#pending.splice(1, 1)
    this.#pending.push(version)
  }

  async #end(reason: EndReason): Promise<RecordingOutcome> {
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
