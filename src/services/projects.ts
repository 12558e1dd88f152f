import { hasCode, PoulsenError } from '../domain/errors.ts'
import type { Project, ProjectChanges } from '../domain/project.ts'
import type { Uuid } from '../domain/uuid.ts'
import type { Catalogue } from '../ports/catalogue.ts'
import type { Clock } from '../ports/clock.ts'
import type { Ids } from '../ports/ids.ts'
import type { Access } from './access.ts'

const MEDIA_KEY_BYTES = 32

/** What may be said of a new project; everything else has a default. */
export type NewProject = Partial<Pick<Project, 'id' | 'name' | 'protectRecordings' | 'recordingPricePerMinute'>> & {
  readonly mediaUrlTtlSeconds?: number
}

/** Makes, changes and removes projects. */
export class Projects {
  readonly #catalogue: Catalogue
  readonly #clock: Clock
  readonly #ids: Ids
  readonly #access: Access

  constructor(ports: {
    readonly catalogue: Catalogue
    readonly clock: Clock
    readonly ids: Ids
    readonly access: Access
  }) {
    this.#catalogue = ports.catalogue
    this.#clock = ports.clock
    this.#ids = ports.ids
    this.#access = ports.access
  }

  /** A new project with a fresh media key. Rejects with PROJECT_EXISTS when the id is taken. */
  async create(parts: NewProject = {}): Promise<Project> {
    const project: Project = {
      name: 'default',
      protectRecordings: false,
      recordingPricePerMinute: 0,
      ...parts,
      id: parts.id ?? this.#ids.uuid(),
      createdAtMs: this.#clock.nowMs(),
      mediaKey: this.#ids.randomHex(MEDIA_KEY_BYTES),
    }
    await this.#catalogue.createProject(project).catch((error: unknown) => {
      throw hasCode(error, 'CATALOGUE_CONFLICT') ? exists(project.id, error) : error
    })
    return project
  }

  find(id: Uuid): Promise<Project | undefined> {
    return this.#catalogue.findProject(id)
  }

  list(): Promise<readonly Project[]> {
    return this.#catalogue.listProjects()
  }

  /** The project as changed; counts from the next request on. Rejects with CATALOGUE_NOT_FOUND. */
  async update(id: Uuid, changes: ProjectChanges): Promise<Project> {
    const project = await this.#catalogue.updateProject(id, changes)
    this.#access.forget()
    return project
  }

  /** Removes an empty project, its tokens and its trunks. Rejects with PROJECT_NOT_EMPTY while it has recordings, or CATALOGUE_NOT_FOUND. */
  async delete(id: Uuid): Promise<void> {
    await this.#catalogue.deleteProject(id).catch((error: unknown) => {
      throw hasCode(error, 'CATALOGUE_CONFLICT') ? notEmpty(id, error) : error
    })
    this.#access.forget()
  }
}

const exists = (id: Uuid, cause: unknown) =>
  new PoulsenError({ code: 'PROJECT_EXISTS', kind: 'conflict', message: `There already is a project ${id}.`, cause })

const notEmpty = (id: Uuid, cause: unknown) =>
  new PoulsenError({
    code: 'PROJECT_NOT_EMPTY',
    kind: 'conflict',
    message: `Project ${id} still has recordings.`,
    hint: 'Delete them first: `poulsen recording list`, `poulsen recording delete`.',
    cause,
  })
