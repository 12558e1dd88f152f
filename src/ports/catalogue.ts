import type { CallDetails } from '../domain/call-details.ts'
import type { IncomingMigration } from '../domain/incoming-migration.ts'
import type { Page, PageRequest } from '../domain/page.ts'
import type { Project, ProjectChanges } from '../domain/project.ts'
import type { PublishToken } from '../domain/publish-token.ts'
import type { Recording } from '../domain/recording.ts'
import type { MetadataVersion } from '../domain/session-metadata.ts'
import type { Token, TokenChanges } from '../domain/token.ts'
import type { Trunk, TrunkChanges } from '../domain/trunk.ts'
import type { Uuid } from '../domain/uuid.ts'

/**
 * The rows: projects, tokens, trunks, recordings and what is known of their calls.
 *
 * Contract, held by every adapter (test/contract/catalogue.contract.ts):
 * - A write has resolved only when it is durable: it survives `kill -9` and loss of power.
 * - A read that starts after a write has resolved sees it.
 * - A recording's identity is (projectId, id): two projects may use the same id and never learn of each other.
 * - Ids are canonical UUIDs; callers have validated them.
 * - Rejections are PoulsenErrors: CATALOGUE_CONFLICT (conflict) when a row exists or is still referenced,
 *   CATALOGUE_NOT_FOUND (not-found) when the row to change is absent, CATALOGUE_UNAVAILABLE (unavailable, retryable) when
 *   busy, full or closed, CATALOGUE_CORRUPT (corrupt) when the file is damaged. No driver error crosses.
 * - Methods may be called concurrently; writes that arrive together may share one commit.
 */
export interface Catalogue {
  /** What tells this catalogue from every other, wherever it is moved to: made with it, never changed. */
  getIdentity(): Promise<Uuid>
  /** What fills this catalogue; undefined for one of its own. */
  findIncomingMigration(): Promise<IncomingMigration | undefined>
  /** Notes what fills this catalogue; undefined: nothing does any more. */
  setIncomingMigration(migration: IncomingMigration | undefined): Promise<void>

  /** Rejects with CATALOGUE_CONFLICT when the id is taken. */
  createProject(project: Project): Promise<void>
  findProject(id: Uuid): Promise<Project | undefined>
  /** All projects, oldest first. */
  listProjects(): Promise<readonly Project[]>
  /** The project as changed. Rejects with CATALOGUE_NOT_FOUND. */
  updateProject(id: Uuid, changes: ProjectChanges): Promise<Project>
  /** Deletes a project, its tokens of both kinds and its trunks. Rejects with CATALOGUE_CONFLICT while it has recordings, CATALOGUE_NOT_FOUND when absent. */
  deleteProject(id: Uuid): Promise<void>

  /** Rejects with CATALOGUE_CONFLICT when the id or the digest is taken, CATALOGUE_NOT_FOUND when its project is absent. */
  createToken(token: Token): Promise<void>
  /** The token with this digest, in whichever project. */
  findToken(digest: string): Promise<Token | undefined>
  /** A project's tokens, oldest first. */
  listTokens(projectId: Uuid): Promise<readonly Token[]>
  /** The token as changed. Rejects with CATALOGUE_NOT_FOUND. */
  updateToken(projectId: Uuid, id: Uuid, changes: TokenChanges): Promise<Token>
  /** True when there was one to delete. */
  deleteToken(projectId: Uuid, id: Uuid): Promise<boolean>

  /** Rejects with CATALOGUE_CONFLICT when the digest is taken, CATALOGUE_NOT_FOUND when its project is absent. */
  createPublishToken(token: PublishToken): Promise<void>
  /** The publish token with this digest, in whichever project, used or expired or not. */
  findPublishToken(digest: string): Promise<PublishToken | undefined>
  /** At most `limit` publish tokens of all projects, used or expired or not, by their digests: those after `afterDigest`, or the first. */
  listPublishTokens(limit: number, afterDigest?: string): Promise<readonly PublishToken[]>
  /** Marks a publish token used; false when it is absent, used already, or expired at `nowMs`. Of several who try at the same time exactly one succeeds. */
  usePublishToken(digest: string, nowMs: number): Promise<boolean>
  /** Makes a publish token one that has not been used, if it is there: what it was used for has come to nothing. */
  freePublishToken(digest: string): Promise<void>
  /** Removes publish tokens that expired by `untilMs`. */
  deletePublishTokens(untilMs: number): Promise<void>

  /**
   * Rejects with CATALOGUE_CONFLICT when the id or the user name is taken (one realm, one meaning) or it has neither networks nor credentials nor
   * certificates, CATALOGUE_NOT_FOUND when its project is absent.
   */
  createTrunk(trunk: Trunk): Promise<void>
  /** The trunk of this id, in whichever project. */
  findTrunk(id: Uuid): Promise<Trunk | undefined>
  /** A project's trunks, or those of all projects; oldest first. */
  listTrunks(projectId?: Uuid): Promise<readonly Trunk[]>
  /**
   * The trunk as changed. Rejects with CATALOGUE_NOT_FOUND, and CATALOGUE_CONFLICT when another has the new user name or neither networks nor
   * credentials nor certificates would be left.
   */
  updateTrunk(id: Uuid, changes: TrunkChanges): Promise<Trunk>
  /** True when there was one to delete. Recordings keep what their details say of it. */
  deleteTrunk(id: Uuid): Promise<boolean>

  /**
   * Adds a recording and, when given, its call's details and the first version of its metadata, all or nothing. Rejects with CATALOGUE_CONFLICT when
   * (projectId, id) is taken, CATALOGUE_NOT_FOUND when the project is absent.
   */
  createRecording(recording: Recording, details?: CallDetails, metadata?: MetadataVersion): Promise<void>
  /**
   * Replaces a recording that is not final by one whose status its own may become (`canBecome` of the domain), and its details when given, both or
   * neither. One that failed as NODE_LOST may still become another final one that did not. Of several that settle one recording at the same time exactly
   * one wins. Rejects with CATALOGUE_CONFLICT when the stored status
   * forbids it, CATALOGUE_NOT_FOUND when the recording is absent (deleted meanwhile).
   */
  settleRecording(recording: Recording, details?: CallDetails): Promise<void>
  /** Sets the lower-case hexadecimal SHA-256 of a final recording's media where it is not known yet. True when it did. */
  sealRecording(projectId: Uuid, id: Uuid, sha256: string): Promise<boolean>
  /** What is known of the call of a recording; undefined for one that was not live. */
  findCallDetails(projectId: Uuid, id: Uuid): Promise<CallDetails | undefined>
  /**
   * Adds a version to a recording's metadata, whatever its status. Rejects with CATALOGUE_NOT_FOUND when the recording is absent, CATALOGUE_CONFLICT
   * when it has METADATA_VERSIONS_MAX of them.
   */
  appendMetadata(projectId: Uuid, recordingId: Uuid, version: MetadataVersion): Promise<void>
  /** The versions of a recording's metadata in the order in which they were added; none for an absent recording. */
  listMetadata(projectId: Uuid, recordingId: Uuid): Promise<readonly MetadataVersion[]>
  /** How many versions of metadata each of these recordings has; those without any, and absent ones, are left out. For a page of them. */
  countMetadata(projectId: Uuid, recordingIds: readonly Uuid[]): Promise<ReadonlyMap<Uuid, number>>
  /** The recordings of all projects that are not final, oldest first; of a catalogue that nodes share, those that this node holds. Costs nothing when there are none, however many recordings there are. */
  listUnsettled(): Promise<readonly Recording[]>
  /** At most `limit` final recordings of all projects with media whose hash is not known, oldest first. Costs what it returns. */
  listUnsealed(limit: number): Promise<readonly Recording[]>
  findRecording(projectId: Uuid, id: Uuid): Promise<Recording | undefined>
  /** The recordings of any project that have one of these ids, at most a thousand, in no order. One question, however many ids. */
  findRecordings(ids: readonly Uuid[]): Promise<readonly Recording[]>
  /**
   * One page of a project's recordings, newest first by (createdAtMs, id), both descending. Costs the same at every
   * position. Under concurrent inserts and deletes no row appears twice and none that stays is missed.
   */
  listRecordings(projectId: Uuid, request: PageRequest): Promise<Page>
  /** Removes the row, its details and its metadata, and returns what the row was; undefined when there was none. */
  deleteRecording(projectId: Uuid, id: Uuid): Promise<Recording | undefined>

  /** Rejects with CATALOGUE_UNAVAILABLE or CATALOGUE_CORRUPT when the catalogue cannot serve. */
  check(): Promise<void>
  /** Finishes accepted writes, then releases everything. Later calls reject with CATALOGUE_UNAVAILABLE. */
  close(): Promise<void>
}
