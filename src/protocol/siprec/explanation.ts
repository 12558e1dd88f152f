import type { ExplainedStream } from './explained-streams.ts'
import type { Remark } from './remark.ts'

/** `+sip.src` and `src` are feature tags of the Contact, Require and Supported name the option tag. */
export type SiprecSign = '+sip.src' | 'src' | 'Require' | 'Supported' | 'metadata'

/** Somebody in the head of the INVITE. */
export interface ExplainedParty {
  readonly uri: string
  readonly name?: string
}

/** Somebody in the metadata. */
export interface ExplainedParticipant {
  /** Address of record, as it came. */
  readonly aor?: string
  readonly name?: string
  /** Labels of the streams that it sends, and of those that it hears. */
  readonly sends: readonly string[]
  readonly receives: readonly string[]
}

/** One part of the body. */
export interface ExplainedPart {
  readonly type: string
  readonly disposition?: string
  readonly byteSize: number
}

/** What the metadata says beside participants and streams. */
export interface ExplainedMetadata {
  readonly dataMode: 'complete' | 'partial'
  /** As they came, and as the UUID that they stand for, if any. */
  readonly sessions: readonly { readonly id: string; readonly uuid?: string }[]
}

/** What is heard where in one file. */
export interface ExplainedChannel {
  /** `left`, `right`; `mono` in a file of one channel. */
  readonly channel: 'left' | 'right' | 'mono'
  /** Lines of the offer, from 1. */
  readonly lines: readonly number[]
  /** Who is heard, by name or address; nobody knows when it is empty. */
  readonly who: readonly string[]
}

/** One recording that would be made. */
export interface ExplainedRecording {
  readonly track: 'both' | 'inbound' | 'outbound'
  readonly channels: readonly ExplainedChannel[]
}

/** What an INVITE means to the server. Plain data; holds no key and no password. */
export interface Explanation {
  readonly uri: string
  /** Of its topmost Via: `UDP`, `TCP`, `TLS`. */
  readonly transport?: string
  readonly byteSize: number
  readonly callId: string
  readonly userAgent?: string
  readonly from?: ExplainedParty
  readonly to?: ExplainedParty
  readonly contact?: ExplainedParty & { readonly features: readonly string[] }
  readonly isSiprec: boolean
  /** By what it shows that it begins a recording session; also the draft's feature tag, which counts for nothing. */
  readonly signs: readonly SiprecSign[]
  readonly parts: readonly ExplainedPart[]
  readonly metadata?: ExplainedMetadata
  readonly participants: readonly ExplainedParticipant[]
  readonly streams: readonly ExplainedStream[]
  readonly answer: {
    readonly status: number
    /** Why it is no 200. */
    readonly reason?: string
  }
  readonly layout: 'stereo' | 'mono' | 'separate'
  /** The call leg id that recordings have; absent when nothing is recorded, or not yet: it is the communication session's then. */
  readonly legId?: string
  /** Nothing is recorded before a line becomes active. */
  readonly isWaiting: boolean
  readonly recordings: readonly ExplainedRecording[]
  readonly remarks: readonly Remark[]
}
