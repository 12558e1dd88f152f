import { seeded } from '../../../support/random.ts'

/** What goes wrong: a node is killed and started again by its supervisor, or a server that all of them need is restarted or hangs. */
export type Fault =
  | { readonly kind: 'kill'; readonly node: number }
  | { readonly kind: 'restart' | 'freeze'; readonly server: 'postgres' | 's3' }

/** A fault, when it begins, and how long it lasts. */
export type PlannedFault = Fault & { readonly atMs: number; readonly forMs: number }

/** How much goes wrong in how much time. */
export interface Pace {
  readonly lengthMs: number
  readonly nodes: number
  /** A node is killed once in so much time. */
  readonly killEveryMs: number
  /** How often all of the servers' faults happen. */
  readonly cycles: number
  readonly freezeMs: number
}

const SERVER_FAULTS = [
  { kind: 'restart', server: 'postgres' },
  { kind: 'freeze', server: 'postgres' },
  { kind: 'restart', server: 's3' },
  { kind: 'freeze', server: 's3' },
] as const
/** A server that is restarted is gone for at most so long, and so is a node. */
const GONE_MS_MAX = 3_000

/**
 * The faults of one run, in the order of their beginnings: the same for the same seed. One server is away at a time, as all they promise is to outlive that; nodes are killed whenever, also
 * while one is away, and again before they have started.
 */
export const planFaults = (seed: number, pace: Pace): readonly PlannedFault[] => {
  const random = seeded(seed)
  return [...kills(random, pace), ...outages(random, pace)].toSorted((a, b) => a.atMs - b.atMs)
}

const kills = (random: () => number, { lengthMs, nodes, killEveryMs }: Pace): readonly PlannedFault[] =>
  Array.from({ length: Math.floor(lengthMs / killEveryMs) }, (_, index) => ({
    kind: 'kill',
    node: Math.floor(random() * nodes),
    atMs: (index + random()) * killEveryMs,
    forMs: random() * GONE_MS_MAX,
  }))

const outages = (random: () => number, { lengthMs, cycles, freezeMs }: Pace): readonly PlannedFault[] => {
  const faults = Array.from({ length: cycles }, () => shuffled(SERVER_FAULTS, random)).flat()
  const slotMs = lengthMs / faults.length
  return faults.map((fault, slot) => {
    const forMs = fault.kind === 'freeze' ? freezeMs : random() * GONE_MS_MAX
    return { ...fault, atMs: slot * slotMs + random() * Math.max(0, slotMs - forMs), forMs }
  })
}

const shuffled = <T>(items: readonly T[], random: () => number): readonly T[] =>
  items
    .map((item) => [random(), item] as const)
    .toSorted(([a], [b]) => a - b)
    .map(([, item]) => item)
