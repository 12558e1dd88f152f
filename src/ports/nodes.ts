import type { Recording } from '../domain/recording.ts'
import type { Uuid } from '../domain/uuid.ts'
import type { MediaKey } from './media-store.ts'

/** The node that holds a recording: its call runs there, or its bytes are on its disk still. */
export interface Holder {
  readonly nodeId: Uuid
  /** Where its peers reach it; absent when it has not said so. */
  readonly url?: string
  /** How long it has not been heard of; absent when it never was. */
  readonly silentMs?: number
}

/** Bytes of a recording that is deleted, and that a node held. */
export interface DeletedMedia {
  readonly projectId: Uuid
  readonly recordingId: Uuid
  readonly key: MediaKey
}

/**
 * The servers over one catalogue. Each holds what it records and what it has not moved to the shared media store yet, from the commit of a recording's row
 * until {@link Nodes.release}.
 *
 * Contract, held by PostgreSQL (src/adapters/postgres/nodes.test.ts):
 * - Times are measured by one clock, the catalogue's: those of the nodes may differ.
 * - Rejections are those of the catalogue.
 */
export interface Nodes {
  /** This node. */
  readonly id: Uuid
  /** Says that this node lives. */
  beat(): Promise<void>
  /** Undefined when nobody holds it: its bytes are in the shared media store, or there is no such recording. */
  findHolder(projectId: Uuid, recordingId: Uuid): Promise<Holder | undefined>
  /** This node holds a recording with these bytes no more; nothing happens when it did not, or when they are others by now: its id may be used again. */
  release(projectId: Uuid, recordingId: Uuid, key: MediaKey | undefined): Promise<void>
  /** What this node held when it was deleted, through whomever, and has not said to be gone: at most `limit`, in no order. */
  listDeleted(limit: number): Promise<readonly DeletedMedia[]>
  /** These bytes are gone from here. */
  forgetDeleted(deleted: DeletedMedia): Promise<void>
  /** The final recordings that this node holds, at most `limit`, in an order of its own; those behind `after`, when it is given. */
  listHeld(limit: number, after?: Pick<Recording, 'id' | 'projectId'>): Promise<readonly Recording[]>
  /** Recordings that are not final and whose node was not heard of for `silentMs`, at most `limit`, oldest first. */
  listLost(silentMs: number, limit: number): Promise<readonly Recording[]>
  /** Takes, or renews, the right to a work that one node does at a time, for `forMs`. False while another node has it. */
  lease(work: string, forMs: number): Promise<boolean>
}
