import { PoulsenError } from '../../src/domain/errors.ts'

/** What goes wrong with a call: nothing, an error instead of it, an error after it has done its work, or it takes its time. */
const FATES = ['fine', 'fine', 'fine', 'before', 'after', 'slow'] as const
const SLOW_TURNS = 5

/** Numbers from 0 to below 1, the same for the same seed (mulberry32). */
export const randomOf = (seed: number): (() => number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const fault = () => new PoulsenError({ code: 'FAULT', kind: 'unavailable', message: 'a fault of the test' })

/**
 * A port whose asynchronous calls fail before or after their work, or come late, as a seed decides; only those of `methods`. What an object that
 * it returns does (a writer) fails likewise when it is named, too.
 */
export const faulty = <T extends object>(port: T, methods: readonly string[], random: () => number): T =>
  new Proxy(port, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      const call = value.bind(target) as (...args: unknown[]) => unknown
      if (!methods.includes(String(name))) return call
      return async (...args: unknown[]) => {
        const fate = FATES[Math.floor(random() * FATES.length)]
        // Nobody could end a writer that was opened and never given.
        if (fate === 'before' || (fate === 'after' && name === 'open')) throw fault()
        for (let turns = 0; fate === 'slow' && turns < SLOW_TURNS; turns += 1) await new Promise(setImmediate)
        const result = await call(...args)
        if (fate === 'after') throw fault()
        return name === 'open' ? faulty(result as object, methods, random) : result
      }
    },
  })
