import { PoulsenError } from '../../domain/errors.ts'
import type { Uuid } from '../../domain/uuid.ts'

/** How many may be in, and who hears how many are. */
export interface SeatsOptions {
  /** Of one project at once. */
  readonly projectMax: number
  readonly onChanged: (count: number) => void
}

/** Who is in, set up or running: so many of each project and no more, and nobody new once it is closed. */
export class Seats {
  readonly #options: SeatsOptions
  readonly #counts = new Map<Uuid, number>()
  readonly #waiting = new Set<() => void>()
  #count = 0
  #isClosed = false

  constructor(options: SeatsOptions) {
    this.#options = options
  }

  /** Takes a seat; gives what gives it back, once. Throws WHIP_BUSY when there is none. */
  take(projectId: Uuid): () => void {
    const count = this.#counts.get(projectId) ?? 0
    if (this.#isClosed) throw busy('The server is stopping.', 'Publish again later, or to another server.')
    if (count >= this.#options.projectMax)
      throw busy(`${count} sessions of this project are running.`, 'Raise POULSEN_WEBRTC_PROJECT_MAX.')
    this.#change(projectId, 1)
    let isTaken = true
    return () => {
      if (isTaken) this.#change(projectId, -1)
      isTaken = false
    }
  }

  /** Nobody gets in from now on; who is in stays. */
  close(): void {
    this.#isClosed = true
  }

  /** Resolves when nobody is in. */
  async whenEmpty(): Promise<void> {
    if (this.#count > 0) await new Promise<void>((resolve) => this.#waiting.add(resolve))
  }

  #change(projectId: Uuid, by: 1 | -1): void {
    const ofProject = (this.#counts.get(projectId) ?? 0) + by
    if (ofProject === 0) this.#counts.delete(projectId)
    else this.#counts.set(projectId, ofProject)
    this.#count += by
    this.#options.onChanged(this.#count)
    if (this.#count > 0) return
    for (const resolve of this.#waiting) resolve()
    this.#waiting.clear()
  }
}

const busy = (message: string, hint: string): PoulsenError =>
  new PoulsenError({ code: 'WHIP_BUSY', kind: 'unavailable', message, hint })
