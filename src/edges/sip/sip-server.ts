import type { CallRecorder } from '../../capture/call-recorder.ts'
import type { SipListenAddress } from '../../ops/sip-listen.ts'
import type { SipTelemetry } from '../../ports/sip-telemetry.ts'
import { Admission, type TrunkSource } from './admission.ts'
import { Calls } from './calls.ts'
import { ClientRequests } from './client-requests.ts'
import { CONNECTION_BOUNDS, type ConnectionBounds } from './connection-table.ts'
import type { SipReceiver, SipTransports } from './flow.ts'
import { Invitations } from './invitations.ts'
import { CONNECTION_LIMITS, type ConnectionLimits } from './stream-connection.ts'
import type { TlsFiles } from './stream-transport.ts'
import { systemTimers, type Timers } from './timers.ts'
import { type BoundAddress, Transports } from './transports.ts'
import { UserAgentServer } from './user-agent-server.ts'

/** How long a stop waits for recordings to become final; who closes capture afterwards waits for the rest. */
const SETTLE_MAX_MS = 30_000
/** How long a stop waits for the answers to its BYEs. */
const FAREWELL_MS = 1_000

/** Bounds of signalling. What comes on top of them gets 503 and is not remembered. */
export interface SipLimits extends ConnectionBounds {
  /** Calls, those that are being set up included. */
  readonly callsMax: number
  readonly transactionsMax: number
}

/** Enough for what a capture of a thousand calls may bring, with the refusals of a flood beside them. */
export const SIP_LIMITS: SipLimits = { ...CONNECTION_BOUNDS, callsMax: 10_000, transactionsMax: 20_000 }

/** What the server needs. */
export interface SipServerOptions {
  readonly listen: readonly SipListenAddress[]
  readonly recorder: CallRecorder
  readonly trunks: TrunkSource
  readonly telemetry: SipTelemetry
  /** Needed when `listen` has tls. */
  readonly tls?: TlsFiles
  /** Host that peers reach us at, when it is not the local address (behind NAT). */
  readonly advertisedHost?: string
  readonly limits?: Partial<SipLimits>
  readonly connections?: Partial<ConnectionLimits>
  readonly timers?: Timers
}

/** The core, over whichever transports: everything of the server but sockets. */
export class SipCore implements SipReceiver {
  readonly calls: Calls
  readonly #timers: Timers
  readonly #requests: ClientRequests
  readonly #server: UserAgentServer

  constructor(
    options: Pick<SipServerOptions, 'recorder' | 'trunks' | 'telemetry'> & {
      readonly timers: Timers
      readonly transports: SipTransports
      readonly limits: Pick<SipLimits, 'callsMax' | 'transactionsMax'>
    },
  ) {
    const { timers, transports, telemetry, recorder, limits } = options
    this.#timers = timers
    this.calls = new Calls(limits.callsMax, (count) => telemetry.sipCallsChanged(count))
    this.#requests = new ClientRequests(timers, transports)
    const surroundings = { timers, telemetry, requests: this.#requests, calls: this.calls }
    const admission = new Admission({ source: options.trunks, telemetry, timers })
    const invitations = new Invitations({ surroundings, admission, recorder })
    const { transactionsMax } = limits
    this.#server = new UserAgentServer({ surroundings, transports, admission, invitations, transactionsMax })
  }

  get transactionCount(): number {
    return this.#server.transactionCount
  }

  readonly received: SipReceiver['received'] = (message, flow) => this.#server.received(message, flow)
  readonly refused: SipReceiver['refused'] = (refusal, flow) => this.#server.refused(refusal, flow)

  /** New calls get 503; resolves when no call runs any more, or at the deadline, when those that still do have been hung up on. */
  async drain(deadlineMs: number): Promise<void> {
    this.#server.drain()
    await this.#within(deadlineMs, this.calls.whenEmpty())
    await this.#hangUp()
  }

  /** Hangs up on every call and forgets everything; resolves when their recordings are final. */
  async stop(): Promise<void> {
    this.#server.drain()
    this.#server.stop()
    await this.#hangUp()
    this.#requests.stop()
  }

  async #hangUp(): Promise<void> {
    const calls = this.calls.list()
    for (const call of calls) {
      call.end('shutdown')
      call.hurry()
    }
    await this.#within(SETTLE_MAX_MS, Promise.all(calls.map((call) => call.settled)))
    await this.#within(FAREWELL_MS, Promise.all([...calls.map((call) => call.over), this.calls.whenEmpty()]))
  }

  async #within(deadlineMs: number, work: Promise<unknown>): Promise<void> {
    const late = Promise.withResolvers<void>()
    const cancel = this.#timers.after(deadlineMs, late.resolve)
    await Promise.race([work, late.promise])
    cancel()
  }
}

/**
 * The SIP user agent server (RFC 3261): takes the calls of trunks over UDP, TCP and TLS and has each recorded. Start it once; after {@link SipServer.stop} it is
 * of no more use.
 */
export class SipServer {
  readonly #core: SipCore
  readonly #transports: Transports

  constructor(options: SipServerOptions) {
    const timers = options.timers ?? systemTimers
    const limits = { ...SIP_LIMITS, ...options.limits }
    const receiver: SipReceiver = {
      received: (message, flow) => this.#core.received(message, flow),
      refused: (refusal, flow) => this.#core.refused(refusal, flow),
    }
    this.#transports = new Transports(
      {
        listen: options.listen,
        tls: options.tls,
        advertisedHost: options.advertisedHost,
        bounds: limits,
        limits: { ...CONNECTION_LIMITS, ...options.connections },
        timers,
      },
      receiver,
    )
    const { recorder, trunks, telemetry } = options
    this.#core = new SipCore({ recorder, trunks, telemetry, timers, limits, transports: this.#transports })
  }

  /** Calls that run or are being set up. */
  get callCount(): number {
    return this.#core.calls.size
  }

  /** Opens every listener, or none; where they listen. Rejects with LISTEN_FAILED. */
  start(): Promise<readonly BoundAddress[]> {
    return this.#transports.open()
  }

  /** Takes another certificate into service for new connections. */
  setCertificate(tls: TlsFiles): void {
    this.#transports.setCertificate(tls)
  }

  /**
   * New calls get 503 with Retry-After, running ones go on. Resolves when none is left; at the deadline those that are get a BYE, their recordings end with
   * `shutdown`. It still listens then.
   */
  drain(deadlineMs: number): Promise<void> {
    return this.#core.drain(deadlineMs)
  }

  /** Hangs up on what still runs and closes every socket. Resolves when all recordings are final, after half a minute at the latest. */
  async stop(): Promise<void> {
    await this.#core.stop()
    await this.#transports.close()
  }
}
