import { setTimeout as delay } from 'node:timers/promises'

const LOOK_EVERY_MS = 10

/** Asks again and again until there is an answer. Throws when there is none before the deadline. */
export const waitFor = async <T>(
  ask: () => Promise<T | undefined> | T | undefined,
  deadlineMs = 10_000,
): Promise<T> => {
  const untilMs = performance.now() + deadlineMs
  while (performance.now() < untilMs) {
    const answer = await ask()
    if (answer !== undefined) return answer
    await delay(LOOK_EVERY_MS)
  }
  throw new Error(`nothing within ${deadlineMs} ms`)
}
