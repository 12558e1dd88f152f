import { setImmediate } from 'node:timers/promises'
import type { EndReason } from '../domain/call-details.ts'
import type { Disk } from '../ports/disk.ts'
import type { MediaPorts, StreamTerms } from './call-recorder.ts'
import { CaptureEngine, TICK_MS } from './capture-engine.ts'
import type { LiveRecording } from './captured-media.ts'
import { type EarlyPacket, EarlyPackets } from './early-packets.ts'
import { MediaLeg } from './media-leg.ts'
import { openMediaSockets } from './media-sockets.ts'
import { PortRange } from './port-range.ts'
import { portsGone } from './ports-gone.ts'
import { listRuns, recoverRun } from './recovery.ts'
import {
  type FromWorker,
  fromWireError,
  type Snapshot,
  toWireError,
  type WireError,
  type WorkerData,
  type WorkerMethods,
} from './worker-messages.ts'

/** What a host is made with: where its files are, what it was started with, and how it talks back. */
export interface HostOptions {
  readonly disk: Disk
  readonly data: WorkerData
  readonly send: (message: FromWorker) => void
}

const STATS_EVERY_TICKS = 10

/** The media ports of one call; they may be handed on to another. */
interface Legs {
  handle: number
  readonly legs: MediaLeg[]
  readonly early: EarlyPackets
}

/** A capture worker from inside: sockets and ticks around an engine, and the questions that the main thread asks. */
export class CaptureHost implements WorkerMethods {
  readonly #options: HostOptions
  readonly #engine: CaptureEngine
  readonly #range: PortRange
  readonly #legs = new Map<number, Legs>()
  readonly #settling = new Map<number, (error?: WireError) => void>()
  #timer: NodeJS.Timeout | undefined
  #ticks = 0
  #lastTickMs = performance.now()
  #lagMs = 0
  #packets = 0
  #tickets = 0

  constructor(options: HostOptions) {
    this.#options = options
    const { disk, data, send } = options
    this.#range = new PortRange(data.rtpPorts)
    this.#engine = new CaptureEngine({
      disk,
      run: data.run,
      nowMs: Date.now,
      mediaTimeoutMs: data.mediaTimeoutMs,
      onEnded: (handle, media) => {
        this.#closeLegs(handle)
        send({ type: 'ended', handle, media })
      },
      onTrouble: (error, handle) =>
        send({ type: 'trouble', error: toWireError(error), ...(handle !== undefined && { handle }) }),
    })
  }

  /** Opens the journal and begins to tick. Rejects with MEDIA_… codes. */
  async open(): Promise<void> {
    await this.#engine.open()
    this.#timer = setInterval(() => this.#tick(), TICK_MS)
  }

  async reserve(handle: number, address: string, family: 4 | 6, streamCount: number): Promise<readonly MediaPorts[]> {
    const ports: MediaPorts[] = []
    this.#legs.set(handle, { handle, legs: [], early: new EarlyPackets() })
    try {
      while (ports.length < streamCount) ports.push(await this.addStream(handle, address, family))
      return ports
    } catch (error) {
      this.#closeLegs(handle)
      throw error
    }
  }

  async addStream(handle: number, address: string, family: 4 | 6): Promise<MediaPorts> {
    const sockets = await openMediaSockets(this.#range, address, family)
    const owner = this.#legs.get(handle)
    if (!owner) {
      sockets.close()
      throw portsGone()
    }
    const stream = owner.legs.length
    const leg = new MediaLeg(sockets, (bytes, from, nowMs) => this.#receive(owner, { stream, bytes, from, nowMs }))
    owner.legs.push(leg)
    return leg.ports
  }

  async succeed(handle: number, successor: number): Promise<void> {
    const owner = this.#legs.get(handle)
    if (!owner) throw portsGone()
    this.#legs.delete(handle)
    owner.handle = successor
    this.#legs.set(successor, owner)
    for (const leg of owner.legs) leg.follow(undefined, undefined)
  }

  async release(handle: number): Promise<void> {
    this.#closeLegs(handle)
  }

  async begin(handle: number, recording: LiveRecording, security: StreamTerms['security']): Promise<void> {
    if (!this.#legs.has(handle)) throw portsGone()
    await this.#engine.begin(handle, recording, performance.now())
    if (!this.#legs.has(handle)) {
      // It was over while its file was made.
      await this.#engine.discard(handle)
      throw portsGone()
    }
    this.#follow(handle, security)
  }

  async update(handle: number, { streams, security }: StreamTerms): Promise<void> {
    await this.#engine.update(handle, streams, performance.now())
    this.#follow(handle, security)
  }

  async end(handle: number, reason: EndReason): Promise<void> {
    // What came before the wish to end still lies in the sockets: two turns of the event loop read it.
    await setImmediate()
    await setImmediate()
    this.#closeLegs(handle)
    this.#engine.end(handle, reason)
  }

  settle(handle: number): Promise<void> {
    return this.#engine.settle(handle)
  }

  discard(handle: number): Promise<void> {
    this.#closeLegs(handle)
    return this.#engine.discard(handle)
  }

  async look(handle: number): Promise<Snapshot | undefined> {
    return this.#engine.look(handle)
  }

  async recover(living: readonly string[]): Promise<number> {
    const { disk, data } = this.#options
    let recovered = 0
    for (const run of await listRuns(disk, new Set([...living, data.run]))) {
      recovered += await recoverRun(disk, run, Date.now(), ({ recording, media }) => {
        this.#tickets += 1
        const ticket = this.#tickets
        this.#options.send({ type: 'recovered', ticket, recording, media })
        return new Promise((resolve, reject) => {
          this.#settling.set(ticket, (error) => (error ? reject(fromWireError(error)) : resolve()))
        })
      })
    }
    return recovered
  }

  async settleRecovered(ticket: number, error?: WireError): Promise<void> {
    const settled = this.#settling.get(ticket)
    this.#settling.delete(ticket)
    settled?.(error)
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    for (const handle of [...this.#legs.keys()]) this.#closeLegs(handle)
    await this.#engine.close()
  }

  #receive(owner: Legs, packet: EarlyPacket): void {
    this.#packets += 1
    if (this.#engine.session(owner.handle)?.receivers[packet.stream]) this.#open(owner, packet)
    else owner.early.keep(packet)
  }

  /** What is secured is opened before anybody looks at it. */
  #open({ handle, legs }: Legs, { stream, bytes, from, nowMs }: EarlyPacket): void {
    const plain = legs[stream]?.open(bytes)
    if (plain) this.#engine.receive(handle, stream, plain, from, nowMs)
  }

  /** Each leg reports of what its receiver hears, with the keys that were agreed on. What came before its receiver was there is heard first. */
  #follow(handle: number, security: StreamTerms['security']): void {
    const owner = this.#legs.get(handle)
    const receivers = this.#engine.session(handle)?.receivers
    if (!owner || !receivers) return
    for (const [index, leg] of owner.legs.entries()) leg.follow(receivers[index], security?.[index])
    for (const packet of owner.early.take(receivers.length, performance.now())) this.#open(owner, packet)
  }

  #tick(): void {
    const nowMs = performance.now()
    this.#lagMs = Math.max(this.#lagMs, nowMs - this.#lastTickMs - TICK_MS)
    this.#lastTickMs = nowMs
    this.#engine.tick(nowMs)
    this.#ticks += 1
    for (const { legs } of this.#legs.values()) for (const leg of legs) leg.tick(nowMs)
    if (this.#ticks % STATS_EVERY_TICKS === 0) this.#report()
  }

  #report(): void {
    this.#options.send({ type: 'stats', ...this.#engine.stats, packets: this.#packets, lagMs: this.#lagMs })
    this.#lagMs = 0
  }

  #closeLegs(handle: number): void {
    for (const leg of this.#legs.get(handle)?.legs ?? []) leg.close()
    this.#legs.delete(handle)
  }
}
