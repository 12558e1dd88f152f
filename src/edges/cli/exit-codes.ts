import type { ErrorKind } from '../../domain/errors.ts'

export const EXIT_OK = 0
/** A check (`verify`, `doctor`, `import`) ran to its end and found something wrong. */
export const EXIT_FOUND_WRONG = 1
/** The command line or the configuration is wrong. */
export const EXIT_USAGE = 2

/** The exit code that scripts see for each kind of error. */
export const EXIT_CODES = {
  invalid: 2,
  'not-found': 3,
  conflict: 4,
  throttled: 5,
  unavailable: 5,
  unauthenticated: 6,
  'too-large': 7,
  unsupported: 7,
  corrupt: 8,
  internal: 70,
} as const satisfies Record<ErrorKind, number>
