import { makeSrtpKey, type SrtpKey, type SrtpSuite } from '../audio/srtp/srtp-key.ts'
import { type CallMedia, openCallMedia } from './call-media.ts'
import { type CallerCodec, callerCodecs } from './caller-codecs.ts'
import { keysOf, type MediaSeal, sealOf } from './media-seal.ts'
import { type MediaSockets, openMediaSockets } from './media-sockets.ts'
import type { Pacer } from './pacer.ts'
import type { RemoteLine } from './read-description.ts'
import { EVENT_TYPE, type LocalMedia } from './session-text.ts'
import type { StreamOutcome } from './siprec-outcome.ts'
import type { StreamOptions } from './siprec-stream-options.ts'

/** What a stream shares with the others of its session. */
export interface StreamSurroundings {
  readonly address: string
  readonly srtp?: SrtpSuite
  /** The line has no label. */
  readonly isNameless?: boolean
}

/** How a stream's media runs. */
export interface StreamRun {
  readonly pacer: Pacer
  readonly cname: string
  readonly durationMs: number
  readonly speed: number
}

/** One stream of a session: its sockets, its m-line, and its media once it has been answered. */
export class SessionStream {
  readonly options: StreamOptions
  readonly #sockets: MediaSockets
  readonly #isNameless: boolean
  readonly #codecs: readonly CallerCodec[]
  #key: SrtpKey | undefined
  #codec: CallerCodec | undefined
  #media: CallMedia | undefined
  #seal: MediaSeal | undefined

  private constructor(options: StreamOptions, sockets: MediaSockets, { srtp, isNameless }: StreamSurroundings) {
    this.options = options
    this.#sockets = sockets
    this.#isNameless = isNameless ?? false
    this.#codecs = callerCodecs(options.codecs ?? ['PCMU'])
    this.#key = srtp && makeSrtpKey(srtp)
  }

  /** Rejects with CALL_INVALID for a codec that is none, CALL_SOCKETS when there are no ports. */
  static async open(options: StreamOptions, surroundings: StreamSurroundings): Promise<SessionStream> {
    callerCodecs(options.codecs ?? ['PCMU'])
    const sockets = await openMediaSockets(surroundings.address, options.isMultiplexed ?? true)
    return new SessionStream(options, sockets, surroundings)
  }

  /** Our half of its m-line. */
  get local(): LocalMedia {
    const { address, rtpPort, rtcpPort } = this.#sockets
    const { label, isMultiplexed = true, frameMs = 20 } = this.options
    return {
      address,
      rtpPort,
      rtcpPort,
      isMultiplexed,
      codecs: this.#codecs,
      eventType: EVENT_TYPE,
      frameMs,
      ...(label !== undefined && !this.#isNameless && { label }),
      ...(this.#key && { srtpKey: this.#key }),
    }
  }

  /** The last packet has gone out. */
  get done(): Promise<void> {
    return this.#media?.done ?? Promise.resolve()
  }

  /** What its media is protected with; undefined in the clear. */
  get key(): SrtpKey | undefined {
    return this.#key
  }

  /** Offers another key, a new one unless said; media is sent under it once the server has agreed. */
  rekey(key = this.#key && makeSrtpKey(this.#key.suite)): void {
    this.#key = key
  }

  /** Makes its media ready. A stream that the server refused is silent all its life. */
  async prepare(remote: RemoteLine, codec: CallerCodec | undefined, run: StreamRun): Promise<void> {
    this.#codec = codec
    this.#seal = sealOf(this.#key, remote)
    const { pacer, cname, durationMs, speed } = run
    this.#media = await openCallMedia(
      { ...this.options, durationMs, speed },
      codec ?? (this.#codecs[0] as CallerCodec),
      {
        pacer,
        sockets: this.#sockets,
        remote,
        cname,
        ...(remote.payloadTypes.includes(EVENT_TYPE) && { eventType: EVENT_TYPE }),
        ...(this.#seal && { seal: this.#seal }),
      },
    )
  }

  /** Begins at a time on the pacer's clock. */
  start(atMs: number): void {
    this.#media?.start(atMs)
  }

  /** Sends where and under what the server says, or not at all. */
  follow(remote: RemoteLine, isSending: boolean): void {
    const keys = keysOf(this.#key, remote.cryptos)
    if (keys) this.#seal?.rekey(keys)
    if (remote.rtpPort !== 0) this.#media?.redirect(remote)
    const isWanted = this.#codec !== undefined && remote.rtpPort !== 0 && remote.direction === 'recvonly'
    this.mute(!isSending || !isWanted)
  }

  mute(isMuted: boolean): void {
    this.#media?.mute(isMuted)
  }

  changeSource(): void {
    this.#media?.changeSource()
  }

  stop(): void {
    this.#media?.stop()
  }

  /** What became of it; undefined when it never ran. */
  outcome(remote: RemoteLine): StreamOutcome | undefined {
    if (!this.#media) return undefined
    const sent = this.#media.report()
    const { label } = this.local
    return {
      ...(label !== undefined && { label }),
      leg: this.options.leg ?? 0,
      plan: this.#media.plan,
      expectation: { gaps: sent.truth.gaps, durationMs: sent.truth.durationMs },
      beginsAtUnixMs: sent.beginsAtUnixMs,
      ...(this.#codec && { codec: this.#codec }),
      sent,
      remote,
    }
  }

  close(): void {
    this.#sockets.close()
    this.#media?.free()
  }
}
