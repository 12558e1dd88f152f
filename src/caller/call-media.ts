import type { CallOptions } from './call-options.ts'
import type { CallerCodec } from './caller-codecs.ts'
import type { MediaSeal } from './media-seal.ts'
import type { MediaSockets } from './media-sockets.ts'
import { openFrameSource } from './open-frame-source.ts'
import type { Pacer } from './pacer.ts'
import { PacketStream } from './packet-stream.ts'
import { type ReceiverReport, RtcpSender } from './rtcp-sender.ts'
import { type RemoteMedia, RtpSender, type SenderReport } from './rtp-sender.ts'
import { MS_PER_SECOND, type SignalPlan } from './signal.ts'
import { planSpeech } from './speech.ts'
import { planTones } from './tones.ts'

/** What one stream of a call says, and what happens to it. */
export interface MediaOptions
  extends Pick<
    CallOptions,
    'durationMs' | 'signal' | 'leg' | 'seed' | 'frameMs' | 'speed' | 'impairments' | 'presses' | 'frames'
  > {
  /** Contributing sources of every packet, at most 15. */
  readonly contributors?: readonly number[]
  /** Whether it sends RTCP; true unless said. */
  readonly sendsReports?: boolean
  /** By how much the wall clock of its reports is fast. */
  readonly reportClockOffsetMs?: number
}

/** What a stream sent, and what it heard of it. */
export interface MediaReport extends SenderReport {
  readonly rtcpSent: number
  /** Report blocks about this stream that the other side sent. */
  readonly receiverReports: number
  readonly lastReceiverReport?: ReceiverReport
  /** Of the other side's SRTCP, what was not authentic or came twice. */
  readonly refusedReports: number
}

/** The media of one stream while it runs. */
export interface CallMedia {
  readonly plan: SignalPlan
  /** Begins now, or at a time on the pacer's clock. */
  start(atMs?: number): void
  /** Says goodbye; what is on its way still goes out. */
  stop(): void
  /** Sends nothing until it is unmuted; time goes on. */
  mute(isMuted: boolean): void
  /** The next packet comes from another source. */
  changeSource(): void
  redirect(remote: RemoteMedia): void
  /** The last packet has gone out. */
  readonly done: Promise<void>
  report(): MediaReport
  free(): void
}

/** How the media of a stream gets out. */
export interface MediaWay {
  readonly pacer: Pacer
  readonly sockets: MediaSockets
  readonly remote: RemoteMedia
  readonly cname: string
  /** Payload type of telephone-events, when the other side takes them. */
  readonly eventType?: number
  /** Makes SRTP and SRTCP of it. */
  readonly seal?: MediaSeal
}

/** Makes the media of a stream ready to be sent. Rejects with what the encoder says when it cannot be made. */
export const openCallMedia = async (options: MediaOptions, codec: CallerCodec, way: MediaWay): Promise<CallMedia> => {
  const plan = planOf(options)
  const frames = options.frames ?? (await openFrameSource(codec, plan, options.frameMs ?? 20))
  // What is encoded for the first time takes its time, which must not make the first packet late.
  frames.frame(0)
  const { rtp, rtcp } = sendersOf(options, codec, { ...way, frames })
  const { sendsReports = true } = options
  return {
    plan,
    done: rtp.done,
    start: (atMs) => {
      rtp.start(atMs)
      if (sendsReports) rtcp.start(atMs)
    },
    stop: () => {
      rtp.stop()
      rtcp.stop()
    },
    mute: (isMuted) => rtp.mute(isMuted),
    changeSource: () => rtp.changeSource(),
    redirect: (remote) => {
      rtp.redirect(remote)
      rtcp.redirect(remote)
    },
    report: () => ({
      ...rtp.report(),
      rtcpSent: rtcp.sentCount,
      receiverReports: rtcp.reportCount,
      ...(rtcp.lastReport && { lastReceiverReport: rtcp.lastReport }),
      refusedReports: way.seal?.refusedCount ?? 0,
    }),
    free: () => {
      if (frames !== options.frames) frames.free()
    },
  }
}

const planOf = ({ signal, durationMs, leg = 0, seed = 1 }: MediaOptions): SignalPlan =>
  (signal === 'speech' ? planSpeech : planTones)({ durationMs, leg, seed })

const sendersOf = (
  options: MediaOptions,
  codec: CallerCodec,
  way: MediaWay & { readonly frames: NonNullable<MediaOptions['frames']> },
): { readonly rtp: RtpSender; readonly rtcp: RtcpSender } => {
  const { durationMs, seed = 1, frameMs = 20, speed = 1, sendsReports = true } = options
  const { contributors = [], reportClockOffsetMs = 0 } = options
  const packets = new PacketStream(
    {
      frameMs,
      frameTicks: (codec.clockRateHz * frameMs) / MS_PER_SECOND,
      frameCount: Math.ceil(durationMs / frameMs),
      presses: way.eventType === undefined ? [] : (options.presses ?? []),
    },
    options.impairments,
    seed,
  )
  const { payloadType } = codec
  const newSource = () => {
    if (sendsReports) rtcp.announce()
  }
  const rtp: RtpSender = new RtpSender({ ...way, packets, payloadType, speed, contributors, newSource })
  const rtcp = new RtcpSender({
    ...way,
    clockRateHz: codec.clockRateHz * speed,
    position: () => rtp.position,
    seed,
    clockOffsetMs: reportClockOffsetMs,
  })
  return { rtp, rtcp }
}
