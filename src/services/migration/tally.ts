import type { Recording } from '../../domain/recording.ts'

/** Recordings that are listed by name; of more, only the number is known. */
export const LISTED_MAX = 1000

/** A recording that is not in the target, and why. */
export interface Named {
  readonly id: string
  readonly project_id: string
  readonly why: string
}

/** How many, and the first {@link LISTED_MAX} of them. */
export interface Listed {
  readonly count: number
  readonly first: readonly Named[]
}

/** What a run has done so far. */
export interface Counts {
  /** Recordings that were copied, new or changed. */
  readonly copied: number
  /** Recordings that were removed from the target, because the source has them no more. */
  readonly removed: number
  /** Recordings that were there already. */
  readonly unchanged: number
  /** Bytes of the recordings that were copied. */
  readonly bytes: number
  /** Not to be had yet: in progress, or on the disk of a node. */
  readonly left: Listed
  /** Bytes that are not what the catalogue says. */
  readonly wrong: Listed
}

/** Counts what a run does. */
export class Tally implements Counts {
  copied = 0
  removed = 0
  unchanged = 0
  bytes = 0
  readonly left = new NamedList()
  readonly wrong = new NamedList()
}

class NamedList implements Listed {
  count = 0
  readonly first: Named[] = []

  add({ id, projectId }: Recording, why: string): void {
    this.count += 1
    if (this.first.length < LISTED_MAX) this.first.push({ id, project_id: projectId, why })
  }
}
