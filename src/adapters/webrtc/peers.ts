import { type ChildProcess, fork } from 'node:child_process'
import { PoulsenError } from '../../domain/errors.ts'
import type { PacketOrigin, PeerAnswer, PeerEnd, PeerOffer, WebRtcPeers } from '../../ports/webrtc-peers.ts'
import { type FromTransport, LOOPBACK, type PeersListen, type ToTransport } from './messages.ts'

/** What WebRTC transport is opened with. */
export interface WebRtcOptions {
  /** The module that the transport process runs. */
  readonly entry: URL
  readonly listen: PeersListen
  /** The process is gone and begins anew; nobody's request tells of it. */
  readonly onTrouble: (error: unknown) => void
}

/** WebRTC transport that can be closed. */
export interface OpenWebRtcPeers extends WebRtcPeers {
  /** The UDP port that peers are reached on. */
  readonly port: number
  close(): Promise<void>
}

interface Ticket {
  readonly resolve: (answer: PeerAnswer) => void
  readonly reject: (error: unknown) => void
  readonly timer: NodeJS.Timeout
}

const START_DEADLINE_MS = 15_000
const ANSWER_DEADLINE_MS = 5_000
/** Answers in a row that did not come in time: one may be a bad moment of the machine, after two nobody is there. */
const UNANSWERED_MAX = 2
const AGAIN_MS = 1_000
const CLOSE_DEADLINE_MS = 2_000

/**
 * Starts WebRTC transport in a process of its own (decision 17): what strangers send is parsed there by native code, and if that falls, nothing falls with it but
 * the sessions of the moment; another process takes its place. Rejects with LISTEN_FAILED when the port cannot be had.
 */
export const openWebRtcPeers = async (options: WebRtcOptions): Promise<OpenWebRtcPeers> => {
  const peers = new ProcessPeers(options)
  await peers.start()
  return peers
}

class ProcessPeers implements OpenWebRtcPeers {
  readonly #options: WebRtcOptions
  readonly #tickets = new Map<number, Ticket>()
  readonly #living = new Set<string>()
  #listener: (id: string, end: PeerEnd) => void = () => {}
  #child: ChildProcess | undefined
  #started: Extract<FromTransport, { type: 'started' }> | undefined
  #lastTicket = 0
  /** Since the last answer. */
  #unanswered = 0
  #port: number | undefined
  #isClosing = false
  #again: NodeJS.Timeout | undefined

  constructor(options: WebRtcOptions) {
    this.#options = options
  }

  get port(): number {
    return this.#port ?? this.#options.listen.port
  }

  get origin(): PacketOrigin {
    return { address: LOOPBACK, port: this.#started?.originPort ?? 0 }
  }

  /** Resolves when peers can be taken. */
  async start(): Promise<void> {
    const { entry, listen } = this.#options
    // The port stays the same over restarts, whichever the first start took. Nothing of our environment is of use there.
    const where = { ...listen, port: this.port }
    const child = fork(entry, {
      env: {},
      execArgv: [...process.execArgv, '--expose-gc'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      serialization: 'json',
    })
    this.#child = child
    this.#unanswered = 0
    const ready = Promise.withResolvers<void>()
    const timer = setTimeout(() => child.kill('SIGKILL'), START_DEADLINE_MS)
    child.on('message', (message: FromTransport) => {
      if (message.type === 'started') {
        this.#started = message
        this.#port = message.port
        ready.resolve()
      } else if (message.type === 'failed') ready.reject(cannotListen(where, message.message))
      else this.#take(message)
    })
    child.on('error', (error) => ready.reject(unavailable(error)))
    child.once('exit', (code, signal) => {
      ready.reject(unavailable(new Error(`WebRTC transport ended: ${signal ?? code}`)))
      this.#lose(child, new Error(`WebRTC transport ended: ${signal ?? code}`))
    })
    child.send({ type: 'start', listen: where } satisfies ToTransport, () => {})
    try {
      await ready.promise
    } catch (error) {
      child.kill('SIGKILL')
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  connect(id: string, offer: PeerOffer): Promise<PeerAnswer> {
    if (!this.#started || !this.#child?.connected) return Promise.reject(unavailable())
    this.#lastTicket += 1
    const ticket = this.#lastTicket
    const answer = Promise.withResolvers<PeerAnswer>()
    const timer = setTimeout(() => this.#miss(ticket), ANSWER_DEADLINE_MS)
    this.#tickets.set(ticket, { resolve: answer.resolve, reject: answer.reject, timer })
    this.#living.add(id)
    this.#tell({ type: 'connect', ticket, id, offer })
    return answer.promise.catch((error) => {
      this.drop(id)
      throw error
    })
  }

  async addCandidates(id: string, candidates: readonly string[]): Promise<void> {
    if (this.#living.has(id)) this.#tell({ type: 'candidates', id, candidates })
  }

  drop(id: string): void {
    if (this.#living.delete(id)) this.#tell({ type: 'drop', id })
  }

  async close(): Promise<void> {
    this.#isClosing = true
    clearTimeout(this.#again)
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    if (child.connected) child.disconnect()
    const timer = setTimeout(() => child.kill('SIGKILL'), CLOSE_DEADLINE_MS)
    await gone
    clearTimeout(timer)
  }

  onEnded(listener: (id: string, end: PeerEnd) => void): void {
    this.#listener = listener
  }

  #tell(message: ToTransport): void {
    // A process that has just gone says so by its exit.
    if (this.#child?.connected) this.#child.send(message, () => {})
  }

  #take(message: FromTransport): void {
    if (message.type !== 'ended') this.#unanswered = 0
    if (message.type === 'connected') this.#settle(message.ticket)?.resolve(message.answer)
    else if (message.type === 'refused') this.#settle(message.ticket)?.reject(refused(message.message))
    else if (message.type === 'ended' && this.#living.delete(message.id)) this.#listener(message.id, message.end)
  }

  #settle(ticket: number): Ticket | undefined {
    const found = this.#tickets.get(ticket)
    this.#tickets.delete(ticket)
    clearTimeout(found?.timer)
    return found
  }

  /** A process that hangs does not end by itself: it is ended, and with its exit the next one begins. */
  #miss(ticket: number): void {
    this.#unanswered += 1
    this.#settle(ticket)?.reject(unavailable())
    if (this.#unanswered >= UNANSWERED_MAX) this.#child?.kill('SIGKILL')
  }

  #lose(child: ChildProcess, error: Error): void {
    if (this.#child !== child) return
    const hadStarted = this.#started !== undefined
    this.#started = undefined
    for (const ticket of [...this.#tickets.keys()]) this.#settle(ticket)?.reject(unavailable(error))
    const lost = [...this.#living]
    this.#living.clear()
    if (this.#isClosing || !hadStarted) return
    for (const id of lost) this.#listener(id, 'broken')
    this.#options.onTrouble(error)
    this.#again = setTimeout(() => this.#restart(), AGAIN_MS).unref()
  }

  #restart(): void {
    this.start().catch((error: unknown) => {
      if (this.#isClosing) return
      this.#options.onTrouble(error)
      this.#again = setTimeout(() => this.#restart(), AGAIN_MS).unref()
    })
  }
}

const cannotListen = ({ address, port }: PeersListen, why: string): PoulsenError =>
  new PoulsenError({
    code: 'LISTEN_FAILED',
    kind: 'unavailable',
    message: `POULSEN_WEBRTC_LISTEN=${address}:${port} cannot be listened on: ${why}.`,
    hint: 'Choose another, or none for no WebRTC.',
  })

const unavailable = (cause?: unknown): PoulsenError =>
  new PoulsenError({
    code: 'WEBRTC_UNAVAILABLE',
    kind: 'unavailable',
    message: 'WebRTC transport is not available.',
    hint: 'It starts again by itself: try again in a moment.',
    cause,
  })

const refused = (why: string): PoulsenError =>
  new PoulsenError({
    code: 'WEBRTC_REFUSED',
    kind: 'invalid',
    message: 'The offer cannot be answered.',
    hint: 'Offer ICE and DTLS as browsers do.',
    cause: new Error(why),
  })
