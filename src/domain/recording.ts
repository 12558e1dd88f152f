import type { MediaObject } from './media-object.ts'
import type { Uuid } from './uuid.ts'

/** Where a recording stands. `completed`, `no_input` and `failed` are final. */
export const RECORDING_STATUSES = ['recording', 'paused', 'completed', 'no_input', 'failed'] as const
export type RecordingStatus = (typeof RECORDING_STATUSES)[number]

/** The kinds of call leg of the relay API; each has its own `relay_<type>_leg_id` on the wire. */
export const LEG_TYPES = ['pstn', 'sip', 'webrtc'] as const
export type LegType = (typeof LEG_TYPES)[number]

/** Which side of the call was recorded: what we heard, what we said, or both. */
export const TRACKS = ['inbound', 'outbound', 'both'] as const
export type Track = (typeof TRACKS)[number]

/** The call leg that a recording belongs to. */
export interface CallLeg {
  readonly type: LegType
  readonly id: Uuid
}

/** One recording of one call leg, as the catalogue keeps it. A value: changes make a new one. */
export interface Recording {
  readonly id: Uuid
  readonly projectId: Uuid
  readonly createdAtMs: number
  readonly updatedAtMs: number
  /** Exact length of the audio in milliseconds; the wire shows whole seconds. */
  readonly durationMs: number
  readonly status: RecordingStatus
  /** Why a recording is not simply complete (`recovered`, `disk_full`, …). */
  readonly errorCode?: string
  readonly track: Track
  readonly leg: CallLeg
  readonly conferenceId?: Uuid
  /** US dollars, fixed when the recording was committed. */
  readonly price: number
  /** The bytes; absent when a recording ended without any. */
  readonly media?: MediaObject
}

const NEXT: Readonly<Record<RecordingStatus, readonly RecordingStatus[]>> = {
  recording: ['paused', 'completed', 'no_input', 'failed'],
  paused: ['recording', 'completed', 'failed'],
  completed: [],
  no_input: [],
  failed: [],
}

/** True when the state table allows a recording to go from one status to the other. No final status can be left. */
export const canBecome = (from: RecordingStatus, to: RecordingStatus): boolean => NEXT[from].includes(to)

/** True for a status that can never change again. */
export const isFinal = (status: RecordingStatus): boolean => NEXT[status].length === 0

/**
 * The error code of a recording whose node was not heard of for so long that another node settled it as `failed`. The one end that can be taken back: when its
 * node returns, with the audio that it has, the recording becomes what it would have become.
 */
export const NODE_LOST = 'node_lost'

/** True for a recording that is final and will stay so. */
export const isSettled = ({ status, errorCode }: Recording): boolean => isFinal(status) && errorCode !== NODE_LOST

/** True when a stored recording may be replaced by `next`, which is how it ended. */
export const canSettle = (stored: Recording, next: Recording): boolean =>
  canBecome(stored.status, next.status) || (stored.errorCode === NODE_LOST && next.status !== 'failed')
