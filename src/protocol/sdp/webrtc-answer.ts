import type { WebRtcLine } from './webrtc-offer.ts'

/** What an answer to a WebRTC publisher says. */
export interface WebRtcAnswer {
  readonly ice: { readonly ufrag: string; readonly pwd: string }
  readonly fingerprint: { readonly algorithm: string; readonly value: string }
  readonly setup: 'active' | 'passive'
  readonly candidates: readonly string[]
  /** Those of the offer, in their order. */
  readonly lines: readonly WebRtcLine[]
  readonly isBundled: boolean
  /** Digits (RFC 8866 §5.2). */
  readonly sessionId: string
}

const DISCARD_PORT = 9

/** The answer as text (RFC 9429 §5.3): every line received, in Opus, with what is lost repeated in band (RFC 7587 §6.1), all over one transport. */
export const formatWebRtcAnswer = (answer: WebRtcAnswer): string => {
  const mids = answer.lines.map(({ mid }) => mid).join(' ')
  const lines = [
    'v=0',
    `o=poulsen ${answer.sessionId} 1 IN IP4 0.0.0.0`,
    's=-',
    't=0 0',
    ...(answer.isBundled ? [`a=group:BUNDLE ${mids}`] : []),
    ...answer.lines.flatMap((line, index) => mediaLines(answer, line, index === 0)),
  ]
  return lines.map((line) => `${line}\r\n`).join('')
}

const mediaLines = (answer: WebRtcAnswer, line: WebRtcLine, isFirst: boolean): readonly string[] => {
  const { payloadType } = line.opus
  const stereo = line.isStereo ? ';stereo=1' : ''
  return [
    `m=audio ${DISCARD_PORT} UDP/TLS/RTP/SAVPF ${payloadType}`,
    'c=IN IP4 0.0.0.0',
    `a=mid:${line.mid}`,
    'a=recvonly',
    'a=rtcp-mux',
    `a=rtpmap:${payloadType} opus/48000/2`,
    `a=fmtp:${payloadType} minptime=10;useinbandfec=1${stereo}`,
    `a=ice-ufrag:${answer.ice.ufrag}`,
    `a=ice-pwd:${answer.ice.pwd}`,
    `a=fingerprint:${answer.fingerprint.algorithm} ${answer.fingerprint.value}`,
    `a=setup:${answer.setup}`,
    // The rest of a bundle goes where its first line goes.
    ...(isFirst ? [...answer.candidates.map((candidate) => `a=${candidate}`), 'a=end-of-candidates'] : []),
  ]
}
