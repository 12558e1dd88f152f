import type { EndReason } from '../domain/call-details.ts'
import { PoulsenError } from '../domain/errors.ts'
import type { Disk } from '../ports/disk.ts'
import type { StreamPlan } from './call-recorder.ts'
import { type CapturedMedia, GROWING_FOLDER, type LiveRecording } from './captured-media.ts'
import { Journal, SEGMENT_BYTES_MAX } from './journal.ts'
import type { JournalBatch } from './journal-record.ts'
import { LiveSession } from './live-session.ts'
import { rebuildRecording } from './recovery.ts'
import type { PacketSource } from './stream-receiver.ts'

/** What an engine is made with. */
export interface EngineOptions {
  readonly disk: Disk
  /** Names this run in the journal; see journal-segment.ts. */
  readonly run: string
  /** Unix time; packets and ticks bring a time of their own, which never jumps. */
  readonly nowMs: () => number
  readonly mediaTimeoutMs: number
  /** A recording has ended, by request or by itself; its file is durable. Answered by {@link CaptureEngine.settle}. */
  readonly onEnded: (handle: number, media: CapturedMedia) => void
  /** Something failed that no caller hears of: a journal or a file. `handle` names the recording that has to wait for it, if one has. */
  readonly onTrouble: (error: unknown, handle?: number) => void
  /** {@link ENGINE_LIMITS} unless a test wants to meet them sooner. */
  readonly limits?: EngineLimits
}

/** When files are made durable so that the journal can be shortened. */
export interface EngineLimits {
  readonly segmentBytesMax: number
  /** Journal that is kept before recordings are checkpointed so that its oldest segments can go. */
  readonly retainedBytesMax: number
  /** A file with so many bytes that are not durable is checkpointed, so that none is left with much to sync when its call ends. */
  readonly dirtyBytesMax: number
}

/** How often {@link CaptureEngine.tick} is to be called: with the time of a commit this bounds what a crash can lose (250 ms). */
export const TICK_MS = 100
export const ENGINE_LIMITS: EngineLimits = {
  segmentBytesMax: SEGMENT_BYTES_MAX,
  retainedBytesMax: 8 * SEGMENT_BYTES_MAX,
  dirtyBytesMax: 4 * 1024 * 1024,
}
const CHECKPOINTS_AT_ONCE_MAX = 2
/** One in so many files is written in a tick; a file is due every ten ticks. */
const FILES_PART = 8
const REBUILD_AGAIN_MS = 1_000

/** A recording that has ended and is not settled. */
interface Ended {
  readonly session: LiveSession
  media?: CapturedMedia
  /** Its file could not be ended: it is rebuilt from the journal then. */
  rebuildAtMs?: number
}

/** Counts for operators. */
export interface EngineStats {
  readonly sessions: number
  readonly commits: number
  readonly commitMs: number
  readonly retainedBytes: number
}

/**
 * The recordings of one capture worker and their journal. No socket, timer or clock in here: packets and ticks are handed in with their time, so that
 * a simulation can drive it. `nowMs` arguments are of a clock that never jumps.
 */
export class CaptureEngine {
  readonly #options: EngineOptions
  readonly #limits: EngineLimits
  readonly #journal: Journal
  readonly #sessions = new Map<number, LiveSession>()
  /** Ended, not settled: the journal still has to have them. */
  readonly #ended = new Map<number, Ended>()
  #isRebuilding = false
  /** The last commit failed, and that has been said. */
  #isCommitFailing = false
  #checkpoints = 0
  #hasNewNames = false
  #isCommitting = false
  /** A tick came while a commit was running. */
  #isCommitDue = false
  #commits = 0
  #commitMs = 0
  readonly #batch = (): JournalBatch => this.#journal.batch

  constructor(options: EngineOptions) {
    this.#options = options
    this.#limits = options.limits ?? ENGINE_LIMITS
    const { disk, run, nowMs } = options
    this.#journal = new Journal({
      disk,
      run,
      nowMs,
      segmentBytesMax: this.#limits.segmentBytesMax,
      writeSnapshot: (batch, segment) => this.#writeSnapshot(batch, segment),
    })
  }

  /** Rejects with MEDIA_… codes. */
  async open(): Promise<void> {
    await this.#options.disk.makeFolder(GROWING_FOLDER)
    await this.#journal.open()
  }

  get stats(): EngineStats {
    return {
      sessions: this.#sessions.size,
      commits: this.#commits,
      commitMs: this.#commitMs,
      retainedBytes: this.#journal.retainedBytes,
    }
  }

  /** Starts a recording; resolves when its file is there. Rejects with MEDIA_… codes. */
  async begin(handle: number, recording: LiveRecording, nowMs: number): Promise<void> {
    const session = await LiveSession.begin(this.#options.disk, { handle, recording, batch: this.#batch, nowMs })
    this.#sessions.set(handle, session)
    this.#hasNewNames = true
  }

  receive(handle: number, stream: number, bytes: Uint8Array, from: PacketSource, nowMs: number): void {
    this.#sessions.get(handle)?.receive(stream, bytes, from, nowMs)
  }

  session(handle: number): LiveSession | undefined {
    return this.#sessions.get(handle)
  }

  /** The file of a recording as it is now: also of one that has ended, until it is settled. */
  look(handle: number): ReturnType<LiveSession['snapshot']> | undefined {
    return (this.#sessions.get(handle) ?? this.#ended.get(handle)?.session)?.snapshot()
  }

  /** Resolves when the new terms count, more streams included. */
  async update(handle: number, streams: readonly StreamPlan[], nowMs: number): Promise<void> {
    await this.#sessions.get(handle)?.update(streams, nowMs)
  }

  /** Everything that has to happen now and then; see {@link TICK_MS}. */
  tick(nowMs: number): void {
    const groups = awaitedSince(this.#sessions.values())
    for (const session of this.#sessions.values()) {
      session.journalNews(nowMs)
      const { group } = session.recording
      const reason = this.#reasonToEnd(session, group === undefined ? session.awaitedSinceMs : groups.get(group), nowMs)
      if (reason) this.end(session.handle, reason)
    }
    if (this.#isCommitting) this.#isCommitDue = true
    else void this.#commit()
    this.#writeFiles(nowMs)
    this.#startCheckpoints()
    this.#startRebuild(nowMs)
  }

  /** Ends a recording; {@link EngineOptions.onEnded} says what came of it. Nothing happens when it has ended already. */
  end(handle: number, reason: EndReason): void {
    const session = this.#sessions.get(handle)
    if (!session) return
    this.#sessions.delete(handle)
    this.#ended.set(handle, { session })
    void this.#finish(session, reason)
  }

  /** The catalogue has what became of a recording: the journal may forget it. Its file, if it is still there, is removed. */
  async settle(handle: number): Promise<void> {
    const ended = this.#ended.get(handle)
    if (!ended) return
    this.#ended.delete(handle)
    this.#journal.batch.json('settled', handle, null)
    await this.#options.disk.remove(ended.session.fileName)
  }

  /** Ends a recording and keeps nothing of it; one that has ended is settled. */
  async discard(handle: number): Promise<void> {
    const session = this.#sessions.get(handle)
    if (!session) return this.settle(handle)
    this.#sessions.delete(handle)
    this.#journal.batch.json('settled', handle, null)
    await session.abandon()
    await this.#options.disk.remove(session.fileName)
  }

  /** Closes the journal, and removes it when nothing is left that needs it. */
  async close(): Promise<void> {
    this.#isCommitDue = false
    await this.#journal.close()
    if (this.#sessions.size === 0 && this.#ended.size === 0) await this.#journal.removeAll()
  }

  /** Mixing takes most of a tick's time, and the journal must not wait for it: so much at once that all files have had their turn within a second. */
  #writeFiles(nowMs: number): void {
    let left = Math.ceil(this.#sessions.size / FILES_PART)
    for (const session of this.#sessions.values()) {
      if (left === 0) return
      if (session.writeFile(nowMs)) left -= 1
    }
  }

  /** `awaitedSinceMs`: how long media has been awaited that does not come; undefined while none is. */
  #reasonToEnd(session: LiveSession, awaitedSinceMs: number | undefined, nowMs: number): EndReason | undefined {
    const { failure } = session
    if (failure !== undefined) return reasonOf(failure)
    if (nowMs - session.beganMs >= session.recording.maxMs) return 'max_length'
    if (awaitedSinceMs !== undefined && nowMs - awaitedSinceMs >= this.#options.mediaTimeoutMs) return 'media_timeout'
    return undefined
  }

  async #commit(): Promise<void> {
    this.#isCommitting = true
    this.#isCommitDue = false
    const begun = performance.now()
    try {
      if (this.#hasNewNames) await this.#syncNames()
      await this.#journal.commit()
      this.#commits += 1
      this.#commitMs += performance.now() - begun
      this.#isCommitFailing = false
    } catch (error) {
      if (!this.#isCommitFailing) this.#options.onTrouble(error)
      this.#isCommitFailing = true
      for (const handle of [...this.#sessions.keys()]) this.end(handle, reasonOf(error))
    } finally {
      this.#isCommitting = false
      // What came while a slow disk was busy does not wait for the next tick as well.
      if (this.#isCommitDue) void this.#commit()
    }
  }

  /** The names of growing files: a checkpoint of a file counts for nothing when its name is lost. */
  async #syncNames(): Promise<void> {
    this.#hasNewNames = false
    await this.#options.disk.syncFolder(GROWING_FOLDER)
  }

  async #finish(session: LiveSession, reason: EndReason): Promise<void> {
    const { handle } = session
    const trouble = (error: unknown) => this.#options.onTrouble(error)
    const names = this.#hasNewNames ? this.#syncNames() : Promise.resolve()
    // What the journal had of it until now becomes durable beside the file; its end only once the file is.
    const finished = session.finish(reason, this.#options.nowMs())
    const [media] = await Promise.all([finished, this.#journal.commit().catch(trouble), names.catch(trouble)])
    const { failure } = session
    if (!media) this.#await(handle)
    else await this.#complete(handle, failure === undefined ? media : { ...media, reason: reasonOf(failure) })
    if (failure !== undefined) this.#options.onTrouble(failure, media ? undefined : handle)
  }

  /** The recording's file is durable. */
  async #complete(handle: number, media: CapturedMedia): Promise<void> {
    const ended = this.#ended.get(handle)
    if (!ended) return
    ended.media = media
    this.#journal.batch.json('end', handle, media)
    // Without its end in the journal a recording that was not settled is only rebuilt once more.
    await this.#journal.commit().catch((error) => this.#options.onTrouble(error))
    this.#options.onEnded(handle, media)
  }

  #await(handle: number): void {
    const ended = this.#ended.get(handle)
    if (ended) ended.rebuildAtMs = 0
  }

  #startRebuild(nowMs: number): void {
    if (this.#isRebuilding) return
    for (const [handle, ended] of this.#ended) {
      if (ended.media || ended.rebuildAtMs === undefined || ended.rebuildAtMs > nowMs) continue
      ended.rebuildAtMs = nowMs + REBUILD_AGAIN_MS
      void this.#rebuild(handle, ended.session)
      return
    }
  }

  async #rebuild(handle: number, session: LiveSession): Promise<void> {
    this.#isRebuilding = true
    const { disk, run, nowMs } = this.#options
    try {
      await this.#journal.commit()
      const media = await rebuildRecording(disk, run, { handle, record: session.record(), endedAtMs: nowMs() })
      await this.#complete(handle, { ...media, streams: session.quality() })
      // It was discarded meanwhile.
      if (!this.#ended.has(handle)) await disk.remove(session.fileName)
    } catch (error) {
      this.#options.onTrouble(error, handle)
    } finally {
      this.#isRebuilding = false
    }
  }

  #startCheckpoints(): void {
    const isFull = this.#journal.retainedBytes > this.#limits.retainedBytesMax
    for (const session of this.#sessions.values()) {
      if (this.#checkpoints >= CHECKPOINTS_AT_ONCE_MAX) return
      const isOld = isFull && session.neededFrom !== undefined
      if (!session.isCheckpointing && (isOld || session.dirtyBytes > this.#limits.dirtyBytesMax))
        void this.#checkpoint(session)
    }
    if (isFull) this.#journal.dropBelow(this.#neededFrom()).catch((error) => this.#options.onTrouble(error))
  }

  async #checkpoint(session: LiveSession): Promise<void> {
    session.isCheckpointing = true
    this.#checkpoints += 1
    try {
      await session.checkpoint()
      await this.#journal.commit()
      session.forgetSegments()
    } catch {
      // The file or the journal cannot be written: the next tick sees the same failure and ends the recording for it.
    } finally {
      this.#checkpoints -= 1
      session.isCheckpointing = false
    }
  }

  /** The first segment that something still needs. */
  #neededFrom(): number {
    const needs = [...this.#sessions.values(), ...[...this.#ended.values()].map(({ session }) => session)]
    return Math.min(this.#journal.segment, ...needs.map(({ neededFrom }) => neededFrom ?? Number.POSITIVE_INFINITY))
  }

  #writeSnapshot(batch: JournalBatch, segment: number): void {
    for (const session of this.#sessions.values()) {
      session.noteRotation(segment - 1)
      batch.json('checkpoint', session.handle, session.record())
    }
    for (const [handle, { session, media }] of this.#ended) {
      if (!media) session.noteRotation(segment - 1)
      batch.json('checkpoint', handle, session.record())
      if (media) batch.json('end', handle, media)
    }
  }
}

/** Of each group of recordings: when one of them last heard something. A group of which all are on hold is not in it. */
const awaitedSince = (sessions: Iterable<LiveSession>): ReadonlyMap<string, number> => {
  const since = new Map<string, number>()
  for (const { recording, awaitedSinceMs } of sessions) {
    const { group } = recording
    if (group === undefined || awaitedSinceMs === undefined) continue
    since.set(group, Math.max(since.get(group) ?? 0, awaitedSinceMs))
  }
  return since
}

const reasonOf = (error: unknown): EndReason =>
  error instanceof PoulsenError && error.code === 'MEDIA_DISK_FULL' ? 'disk_full' : 'internal'
