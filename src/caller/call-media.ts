import type { CallOptions } from './call-options.ts'
import type { CallerCodec } from './caller-codecs.ts'
import type { MediaSockets } from './media-sockets.ts'
import { openFrameSource } from './open-frame-source.ts'
import type { Pacer } from './pacer.ts'
import { PacketStream } from './packet-stream.ts'
import { type ReceiverReport, RtcpSender } from './rtcp-sender.ts'
import { type RemoteMedia, RtpSender, type SenderReport } from './rtp-sender.ts'
import { MS_PER_SECOND, type SignalPlan } from './signal.ts'
import { planSpeech } from './speech.ts'
import { planTones } from './tones.ts'

/** What a call sent, and what it heard of it. */
export interface MediaReport extends SenderReport {
  readonly rtcpSent: number
  /** Report blocks about this call that the other side sent. */
  readonly receiverReports: number
  readonly lastReceiverReport?: ReceiverReport
}

/** The media of one call while it runs. */
export interface CallMedia {
  readonly plan: SignalPlan
  start(): void
  /** Says goodbye; what is on its way still goes out. */
  stop(): void
  redirect(remote: RemoteMedia): void
  /** The last packet has gone out. */
  readonly done: Promise<void>
  report(): MediaReport
  free(): void
}

/** How the media of a call gets out. */
export interface MediaWay {
  readonly pacer: Pacer
  readonly sockets: MediaSockets
  readonly remote: RemoteMedia
  readonly cname: string
  /** Payload type of telephone-events, when the other side takes them. */
  readonly eventType?: number
}

/** Makes the media of a call ready to be sent. Rejects with what the encoder says when it cannot be made. */
export const openCallMedia = async (options: CallOptions, codec: CallerCodec, way: MediaWay): Promise<CallMedia> => {
  const { durationMs, leg = 0, seed = 1, frameMs = 20, impairments = {}, speed = 1 } = options
  const plan = (options.signal === 'speech' ? planSpeech : planTones)({ durationMs, leg, seed })
  const packets = new PacketStream(
    {
      frameMs,
      frameTicks: (codec.clockRateHz * frameMs) / MS_PER_SECOND,
      frameCount: Math.ceil(durationMs / frameMs),
      presses: way.eventType === undefined ? [] : (options.presses ?? []),
    },
    impairments,
    seed,
  )
  const frames = options.frames ?? (await openFrameSource(codec, plan, frameMs))
  const rtp: RtpSender = new RtpSender({
    ...way,
    packets,
    frames,
    payloadType: codec.payloadType,
    speed,
    newSource: () => rtcp.announce(),
  })
  const rtcp = new RtcpSender({ ...way, clockRateHz: codec.clockRateHz * speed, position: () => rtp.position, seed })
  return {
    plan,
    done: rtp.done,
    start: () => {
      rtp.start()
      rtcp.start()
    },
    stop: () => {
      rtp.stop()
      rtcp.stop()
    },
    redirect: (remote) => {
      rtp.redirect(remote)
      rtcp.redirect(remote)
    },
    report: () => ({
      ...rtp.report(),
      rtcpSent: rtcp.sentCount,
      receiverReports: rtcp.reportCount,
      ...(rtcp.lastReport && { lastReceiverReport: rtcp.lastReport }),
    }),
    free: () => {
      if (frames !== options.frames) frames.free()
    },
  }
}
