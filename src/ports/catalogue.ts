import type { Page, PageRequest } from '../domain/page.ts'
import type { Project, ProjectChanges } from '../domain/project.ts'
import type { Recording } from '../domain/recording.ts'
import type { Token, TokenChanges } from '../domain/token.ts'
import type { Uuid } from '../domain/uuid.ts'

/**
 * The rows: projects, tokens and recordings.
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
  /** Rejects with CATALOGUE_CONFLICT when the id is taken. */
  createProject(project: Project): Promise<void>
  findProject(id: Uuid): Promise<Project | undefined>
  /** All projects, oldest first. */
  listProjects(): Promise<readonly Project[]>
  /** The project as changed. Rejects with CATALOGUE_NOT_FOUND. */
  updateProject(id: Uuid, changes: ProjectChanges): Promise<Project>
  /** Deletes a project and its tokens. Rejects with CATALOGUE_CONFLICT while it has recordings, CATALOGUE_NOT_FOUND when absent. */
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

  /** Adds a recording. Rejects with CATALOGUE_CONFLICT when (projectId, id) is taken, CATALOGUE_NOT_FOUND when the project is absent. */
  createRecording(recording: Recording): Promise<void>
  findRecording(projectId: Uuid, id: Uuid): Promise<Recording | undefined>
  /**
   * One page of a project's recordings, newest first by (createdAtMs, id), both descending. Costs the same at every
   * position. Under concurrent inserts and deletes no row appears twice and none that stays is missed.
   */
  listRecordings(projectId: Uuid, request: PageRequest): Promise<Page>
  /** Removes the row and returns what it was; undefined when there was none. */
  deleteRecording(projectId: Uuid, id: Uuid): Promise<Recording | undefined>

  /** Rejects with CATALOGUE_UNAVAILABLE or CATALOGUE_CORRUPT when the catalogue cannot serve. */
  check(): Promise<void>
  /** Finishes accepted writes, then releases everything. Later calls reject with CATALOGUE_UNAVAILABLE. */
  close(): Promise<void>
}
