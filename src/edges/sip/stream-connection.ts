import type { Socket } from 'node:net'
import { type SipFrame, SipFramer } from '../../protocol/sip/framer.ts'
import type { LocalEnd, SipFlow, SipProtocol, SipReceiver, SocketAddress } from './flow.ts'
import { fingerprintAt, type PeerCertificate } from './peer-certificate.ts'
import type { Cancel, Timers } from './timers.ts'

/** Deadlines and bounds of one connection. */
export interface ConnectionLimits {
  /** From accepting it to its first whole message; over TLS from the end of the handshake, which has as long. */
  readonly firstMessageMs: number
  /** From a message's first byte to its last. */
  readonly messageMs: number
  /** Without a byte from the peer, while no call depends on the connection. */
  readonly idleMs: number
  /** Bytes that wait because the peer does not read. */
  readonly writeBufferMaxBytes: number
}

export const CONNECTION_LIMITS: ConnectionLimits = {
  firstMessageMs: 10_000,
  messageMs: 10_000,
  idleMs: 300_000,
  writeBufferMaxBytes: 256 * 1024,
}

const PONG = Buffer.from('\r\n')
/** A connection that a call depends on may be silent for hours; the system finds out whether its peer is still there. */
const PROBE_AFTER_MS = 60_000
/** How long an ended connection may take to say its last bytes. */
const FAREWELL_MS = 2_000

/** One TCP or TLS connection, either end's: bytes to messages, and all its deadlines. */
export class StreamConnection implements SipFlow {
  readonly protocol: SipProtocol
  readonly remote: SocketAddress
  readonly #certificate: PeerCertificate | undefined
  readonly #socket: Socket
  readonly #receiver: SipReceiver
  readonly #timers: Timers
  readonly #limits: ConnectionLimits
  readonly #onTrusted: () => void
  readonly findLocal: () => Promise<LocalEnd>
  readonly #closeListeners = new Set<() => void>()
  readonly #framer = new SipFramer()
  #deadline: Cancel = () => {}
  #retainers = 0
  #isMidMessage = false
  #isEnding = false

  constructor(options: {
    readonly protocol: SipProtocol
    readonly remote: SocketAddress
    /** What the peer has shown in its handshake. */
    readonly certificate?: PeerCertificate | undefined
    readonly socket: Socket
    readonly receiver: SipReceiver
    readonly timers: Timers
    readonly limits: ConnectionLimits
    readonly findLocal: () => Promise<LocalEnd>
    readonly onTrusted: () => void
  }) {
    this.protocol = options.protocol
    this.remote = options.remote
    this.#certificate = options.certificate
    this.#socket = options.socket
    this.#receiver = options.receiver
    this.#timers = options.timers
    this.#limits = options.limits
    this.findLocal = options.findLocal
    this.#onTrusted = options.onTrusted
    this.#socket.setNoDelay(true)
    this.#socket.setKeepAlive(true, PROBE_AFTER_MS)
    this.#socket.on('data', (chunk: Uint8Array) => this.#receive(chunk))
    this.#socket.once('close', () => this.#closed())
    this.#endAfter(this.#limits.firstMessageMs)
  }

  get peerCertificate(): string | undefined {
    return fingerprintAt(this.#certificate, this.#timers.nowMs())
  }

  get isOpen(): boolean {
    return !this.#isEnding && this.#socket.writable
  }

  send(bytes: Uint8Array): boolean {
    if (!this.isOpen) return false
    if (this.#socket.writableLength + bytes.length > this.#limits.writeBufferMaxBytes) {
      this.#socket.destroy()
      return false
    }
    this.#socket.write(bytes)
    return true
  }

  onClosed(listener: () => void): () => void {
    this.#closeListeners.add(listener)
    return () => this.#closeListeners.delete(listener)
  }

  trust(): void {
    this.#onTrusted()
  }

  retain(): () => void {
    this.#retainers += 1
    this.#wait()
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      this.#retainers -= 1
      this.#wait()
    }
  }

  #closed(): void {
    // Calls that depend on it may end after it: they start no deadline for what is gone.
    this.#isEnding = true
    this.#deadline()
    for (const listener of [...this.#closeListeners]) listener()
    this.#closeListeners.clear()
  }

  #receive(chunk: Uint8Array): void {
    if (this.#isEnding) return
    const frames = this.#framer.append(chunk)
    for (const frame of frames) {
      if (this.#isEnding) return
      this.#take(frame)
    }
    this.#progress(frames.length > 0)
  }

  #take(frame: SipFrame): void {
    if (frame.kind === 'ping') this.send(PONG)
    else if (frame.kind === 'message') this.#receiver.received(frame.message, this)
    else {
      this.#receiver.refused(frame.refusal, this)
      if (frame.isFatal) this.#end()
    }
  }

  /** What comes slowly, a byte at a time, does not push its deadline away: only whole messages and pings do. */
  #progress(hasFrames: boolean): void {
    if (this.#isEnding) return
    const wasMidMessage = this.#isMidMessage
    this.#isMidMessage = this.#framer.bufferedBytes > 0
    if (!this.#isMidMessage) {
      if (hasFrames) this.#wait()
    } else if (hasFrames || !wasMidMessage) this.#endAfter(this.#limits.messageMs)
  }

  /** Between two messages. */
  #wait(): void {
    if (this.#isMidMessage || this.#isEnding) return
    if (this.#retainers > 0) this.#deadline()
    else this.#endAfter(this.#limits.idleMs)
  }

  #endAfter(delayMs: number): void {
    this.#deadline()
    this.#deadline = this.#timers.after(delayMs, () => this.#socket.destroy())
  }

  /** Says what is still to be said, then ends. */
  #end(): void {
    this.#isEnding = true
    this.#socket.end()
    this.#endAfter(FAREWELL_MS)
  }
}
