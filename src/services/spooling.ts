import { setTimeout as delay } from 'node:timers/promises'
import { hasCode, PoulsenError } from '../domain/errors.ts'
import { isSettled, type Recording } from '../domain/recording.ts'
import type { Catalogue } from '../ports/catalogue.ts'
import type { Clock } from '../ports/clock.ts'
import type { MediaKey } from '../ports/media-store.ts'
import type { Nodes } from '../ports/nodes.ts'
import type { SpoolState, Telemetry } from '../ports/telemetry.ts'
import { findMedia } from './find-media.ts'
import { type MediaOwner, parseMediaKey } from './media-key.ts'
import type { Spool, SpoolListener } from './spooled-media-store.ts'

/** Keys that wait in memory; what finds no room is found on the disk when they are done. */
export const SPOOL_QUEUE_MAX = 10_000
/** Objects that are moved at the same time. */
export const SPOOL_PARALLEL_MAX = 4
/** A pause after which what could not be moved is tried again doubles from the first to the last of these. */
export const SPOOL_AGAIN_MS = { first: 1_000, last: 60_000 } as const
const HELD_BATCH = 1_000
const MS_PER_SECOND = 1000

/** What spooling works on. */
export interface SpoolingParts extends Spool {
  readonly catalogue: Catalogue
  /** Absent where nobody shares the catalogue. */
  readonly nodes?: Nodes
  readonly clock: Clock
  readonly telemetry: Telemetry
  /** Pauses; {@link SPOOL_AGAIN_MS} unless said. */
  readonly againMs?: { readonly first: number; readonly last: number }
  /** It will be tried again. */
  readonly onTrouble: (error: unknown, what: string) => void
}

type Outcome = 'done' | 'later' | 'away'

/** Since when an object waits, and when it is looked at again: what has no row for long will hardly get one, and costs a question each time. */
interface Waiting {
  readonly sinceMs: number
  againAtMs: number
}

/**
 * Moves what has landed on this machine's disk to the remote media store, one recording at a time and again and again: once its row is final, and no sooner, since
 * until then it is this node that has to settle it. A crash at any point is mended by the next start: an object that is there already is not sent twice, and one whose
 * recording was deleted on its way is removed there.
 */
export class Spooling implements SpoolListener {
  readonly #parts: SpoolingParts
  readonly #waiting = new Map<MediaKey, Waiting>()
  readonly #ending = new AbortController()
  #wake = Promise.withResolvers<void>()
  #isUnlisted = true
  #hasRemovals = true
  #isAway = false
  readonly #againMs: { readonly first: number; readonly last: number }
  #pauseMs: number
  #running: Promise<void> = Promise.resolve()

  constructor(parts: SpoolingParts) {
    this.#parts = parts
    this.#againMs = parts.againMs ?? SPOOL_AGAIN_MS
    this.#pauseMs = this.#againMs.first
  }

  get state(): SpoolState {
    const nowMs = this.#parts.clock.nowMs()
    const oldestMs = this.#waiting.values().reduce((oldest, { sinceMs }) => Math.max(oldest, nowMs - sinceMs), 0)
    return { waiting: this.#waiting.size, oldestMs, isAway: this.#isAway }
  }

  get isAway(): boolean {
    return this.#isAway
  }

  arrived(key: MediaKey): void {
    const nowMs = this.#parts.clock.nowMs()
    if (this.#waiting.size < SPOOL_QUEUE_MAX) this.#waiting.set(key, { sinceMs: nowMs, againAtMs: nowMs })
    else this.#isUnlisted = true
    this.#wake.resolve()
  }

  removalNoted(): void {
    this.#hasRemovals = true
    this.#wake.resolve()
  }

  /** Looks for what an earlier run left, and begins to move. Rejects as the catalogue and the local store do. */
  async start(): Promise<void> {
    await this.#list()
    this.#running = this.#run()
  }

  /** Ends it; what is on its way arrives. */
  async close(): Promise<void> {
    this.#ending.abort()
    this.#wake.resolve()
    await this.#running
  }

  async #run(): Promise<void> {
    while (!this.#ending.signal.aborted) {
      this.#wake = Promise.withResolvers()
      const outcome = await this.#pass().catch((error: unknown) => this.#failed(error, 'spool'))
      await this.#pauseAfter(outcome)
    }
  }

  /** Who is away is left alone for a while; else whatever arrives is seen to at once, and what it was too early for with it. */
  async #pauseAfter(outcome: Outcome): Promise<void> {
    if (outcome === 'done') return this.#wake.promise
    const pause = delay(this.#pauseMs, undefined, { signal: this.#ending.signal }).catch(() => {})
    this.#pauseMs = Math.min(2 * this.#pauseMs, this.#againMs.last)
    await (outcome === 'away' ? pause : Promise.race([pause, this.#wake.promise]))
  }

  /** Everything that waits and is due, once. */
  async #pass(): Promise<Outcome> {
    if (this.#hasRemovals) await this.#removeThere()
    if (this.#isUnlisted) await this.#list()
    const nowMs = this.#parts.clock.nowMs()
    const due = [...this.#waiting].flatMap(([key, { againAtMs }]) => (againAtMs <= nowMs ? [key] : []))
    const outcomes = new Set<Outcome>(due.length < this.#waiting.size ? ['later'] : [])
    const keys = due.values()
    const worker = async () => {
      for (const key of keys) {
        if (this.#ending.signal.aborted || outcomes.has('away')) return
        outcomes.add(await this.#tryToMove(key))
      }
    }
    await Promise.all(Array.from({ length: SPOOL_PARALLEL_MAX }, worker))
    const [worst = 'done'] = (['away', 'later'] as const).filter((each) => outcomes.has(each))
    return worst
  }

  async #tryToMove(key: MediaKey): Promise<Outcome> {
    try {
      const isDone = await this.#move(key)
      this.#isAway = false
      if (isDone) this.#waiting.delete(key)
      else this.#postpone(key)
      return isDone ? 'done' : 'later'
    } catch (error) {
      const outcome = this.#failed(error, 'move')
      if (outcome === 'later') this.#postpone(key)
      return outcome
    }
  }

  /** By as long as it has waited already, up to the longest pause. */
  #postpone(key: MediaKey): void {
    const waiting = this.#waiting.get(key)
    const nowMs = this.#parts.clock.nowMs()
    if (waiting) waiting.againAtMs = nowMs + Math.min(nowMs - waiting.sinceMs, SPOOL_AGAIN_MS.last)
  }

  /** Who does not answer now does not answer for the next recording either; anything else concerns this one. */
  #failed(error: unknown, what: string): Outcome {
    const isAway = error instanceof PoulsenError && error.kind === 'unavailable'
    this.#isAway = isAway
    this.#parts.telemetry.mediaNotMoved(error instanceof PoulsenError ? error.code : 'INTERNAL')
    this.#parts.onTrouble(error, what)
    return isAway ? 'away' : 'later'
  }

  /** False when it is not time yet. */
  async #move(key: MediaKey): Promise<boolean> {
    const owner = parseMediaKey(key)
    // Nothing of ours.
    if (!owner) return true
    const found = await findMedia(this.#parts.local, key)
    if (found && !(await this.#adopt(owner, key, found.byteSize))) return false
    // Also when it is here no more: it was deleted, or moved by a pass that could not say so.
    await this.#handOver(owner, key)
    this.#pauseMs = this.#againMs.first
    return true
  }

  /** False when its row is about to come, or never will: then it is swept. */
  async #adopt(owner: MediaOwner, key: MediaKey, byteSize: number): Promise<boolean> {
    const { local, remote, telemetry } = this.#parts
    const recording = await this.#find(owner, key)
    if (!recording || !isSettled(recording)) return false
    const begunMs = performance.now()
    await remote.adopt(key, local.pathOf(key), recording.media?.sha256).catch(unlessGone)
    telemetry.mediaMoved(byteSize, (performance.now() - begunMs) / MS_PER_SECOND)
    return true
  }

  /** What was moved is held here no more; what was deleted on its way goes there, too, whatever has come under its id since. */
  async #handOver(owner: MediaOwner, key: MediaKey): Promise<void> {
    await this.#parts.nodes?.release(owner.projectId, owner.recordingId, key)
    if (!(await this.#find(owner, key))) await this.#parts.remote.remove(key)
  }

  async #find({ projectId, recordingId }: MediaOwner, key: MediaKey) {
    const recording = await this.#parts.catalogue.findRecording(projectId, recordingId)
    return recording?.media?.key === key ? recording : undefined
  }

  /** What earlier runs left, or found no room in memory. */
  async #list(): Promise<void> {
    this.#isUnlisted = false
    await this.#releaseMoved()
    for await (const { key } of this.#parts.local.list()) if (!this.#waiting.has(key)) this.arrived(key)
  }

  /** A crash may have come after a recording was moved and before it was released. */
  async #releaseMoved(): Promise<void> {
    const { nodes, local } = this.#parts
    let held: readonly Recording[] = []
    do {
      held = (await nodes?.listHeld(HELD_BATCH, held.at(-1))) ?? []
      for (const { projectId, id, media } of held) {
        const isHere = media !== undefined && (await findMedia(local, media.key)) !== undefined
        if (!isHere) await nodes?.release(projectId, id, media?.key)
      }
    } while (held.length === HELD_BATCH)
  }

  async #removeThere(): Promise<void> {
    const { removals, remote } = this.#parts
    this.#hasRemovals = false
    try {
      for await (const { key } of removals.list()) {
        await remote.remove(key)
        this.#isAway = false
        await removals.remove(key)
      }
    } catch (error) {
      this.#hasRemovals = true
      throw error
    }
  }
}

const unlessGone = (error: unknown): void => {
  // Deleted while it was on its way.
  if (!hasCode(error, 'MEDIA_NOT_FOUND')) throw error
}
