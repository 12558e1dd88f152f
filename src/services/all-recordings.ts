import { PAGE_SIZE_MAX, type Position } from '../domain/page.ts'
import type { Recording } from '../domain/recording.ts'
import type { Uuid } from '../domain/uuid.ts'
import type { Catalogue } from '../ports/catalogue.ts'

/** A project's recordings, newest first, {@link PAGE_SIZE_MAX} at a time, and no page that is empty. Rejects as the catalogue does. */
export async function* recordingPages(catalogue: Catalogue, projectId: Uuid): AsyncGenerator<readonly Recording[]> {
  let olderThan: Position | undefined
  do {
    const page = await catalogue.listRecordings(projectId, { limit: PAGE_SIZE_MAX, ...(olderThan && { olderThan }) })
    if (page.items.length > 0) yield page.items
    olderThan = page.hasOlder ? page.items.at(-1) : undefined
  } while (olderThan)
}

/** The same, one by one. */
export async function* allRecordings(catalogue: Catalogue, projectId: Uuid): AsyncGenerator<Recording, void> {
  for await (const page of recordingPages(catalogue, projectId)) yield* page
}
