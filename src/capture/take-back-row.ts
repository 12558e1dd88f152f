import { setTimeout as delay } from 'node:timers/promises'
import type { Uuid } from '../domain/uuid.ts'
import type { Catalogue } from '../ports/catalogue.ts'

/** What taking back needs. */
export interface TakeBackParts {
  readonly catalogue: Catalogue
  readonly onTrouble: (error: unknown, what: string) => void
  /** Ends it: what is left then is settled by the next start. */
  readonly signal: AbortSignal
}

const AGAIN_MS = 1_000
/** A write that was given up may come through when its database is back, a little later than our next question. */
const LATE_WRITE_MS = 10_000

/** Removes the row of a recording that never began, at once if it can be, else as soon as the catalogue takes it. Never rejects. */
export const takeBackRow = async (projectId: Uuid, id: Uuid, parts: TakeBackParts): Promise<void> => {
  const remove = () => parts.catalogue.deleteRecording(projectId, id)
  try {
    await remove()
  } catch (error) {
    parts.onTrouble(error, 'begin')
    void removeLater(remove, parts.signal)
  }
}

const removeLater = async (remove: () => Promise<unknown>, signal: AbortSignal): Promise<void> => {
  const wait = (milliseconds: number) => delay(milliseconds, undefined, { signal, ref: false }).catch(() => {})
  for (let isGone = false; !isGone && !signal.aborted; ) {
    await wait(AGAIN_MS)
    isGone = await remove().then(
      () => true,
      () => false,
    )
  }
  await wait(LATE_WRITE_MS)
  // Whoever finds it after that is the next start.
  if (!signal.aborted) await remove().catch(() => {})
}
