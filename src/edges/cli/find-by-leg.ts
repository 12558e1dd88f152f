import { isFinal, type Recording } from '../../domain/recording.ts'
import type { Services } from '../../services/services.ts'

/** A server that has more calls than this in the meantime is well enough. */
const NEWEST_LOOKED_AT = 100
/** How long a recording may take to be found, or to be read. */
export const FOUND_WITHIN_MS = 5000
const POLL_EVERY_MS = 20

/** The recordings of one leg in whichever project, once all of them are final; none when that does not come to be in time. */
export const findByLeg = async ({ projects, recordings }: Services, legId: string): Promise<readonly Recording[]> => {
  for (const deadlineMs = performance.now() + FOUND_WITHIN_MS; performance.now() < deadlineMs; ) {
    for (const { id } of await projects.list()) {
      const { items } = await recordings.list(id, { limit: NEWEST_LOOKED_AT })
      const found = items.filter(({ leg }) => leg.id === legId)
      if (found.length > 0 && found.every(({ status }) => isFinal(status))) return found
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_EVERY_MS))
  }
  return []
}
