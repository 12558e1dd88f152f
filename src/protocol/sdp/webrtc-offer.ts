import { CANDIDATES_MAX, isCandidate } from './ice-candidate.ts'
import { isIcePwd, isIceUfrag } from './ice-credentials.ts'
import type { SdpCodec, SdpMedia } from './offer.ts'
import { parseSdp } from './parse-sdp.ts'
import { type SdpSection, sectionsOf } from './sdp-sections.ts'

/** One audio line of a WebRTC offer. */
export interface WebRtcLine {
  readonly mid: string
  readonly opus: SdpCodec
  /** It will bring two channels (RFC 7587 §6.1). */
  readonly isStereo: boolean
  readonly ssrcs: readonly number[]
}

/** What a WebRTC offer says, as far as a recorder has to know it. */
export interface WebRtcOffer {
  readonly ice: { readonly ufrag: string; readonly pwd: string }
  readonly fingerprint: { readonly algorithm: string; readonly value: string }
  readonly setup: 'actpass' | 'active' | 'passive'
  readonly candidates: readonly string[]
  readonly lines: readonly WebRtcLine[]
  /** It says that its lines are one bundle; one alone need not. */
  readonly isBundled: boolean
}

/** Why an offer is not answered. `damaged`: it is no offer of WebRTC; `unsupported`: it is one that a recorder of audio cannot take as a whole (RFC 9725 §4.2). */
export interface OfferRefusal {
  readonly kind: 'damaged' | 'unsupported'
  readonly reason: string
}

/** Audio lines of one offer: as many channels as a recording may have. */
export const WEBRTC_LINES_MAX = 8
const SSRCS_MAX = 8
const MID = /^[A-Za-z0-9!#$%&'*+\-.^_`{|}~]{1,32}$/
const FINGERPRINT = /^(sha-(?:256|384|512)) ((?:[0-9A-F]{2}:){31,63}[0-9A-F]{2})$/i
const BITS_PER_BYTE = 8
/** A byte is two digits and a colon, but for the last. */
const CHARACTERS_PER_BYTE = 3
const SETUP = /^(actpass|active|passive)$/
/** Nothing is received over TCP: an offer of that could not be answered as what it is. */
const PROTOCOL = /^UDP\/TLS\/RTP\/SAVPF?$/i
const SSRC = /^(\d{1,10})(?: |$)/
const SSRC_END = 2 ** 32

/** Reads the offer of a WebRTC publisher (RFC 9725 §4.2, RFC 9429 §5.2): one bundle, audio in Opus only, media secured by DTLS. */
export const parseWebRtcOffer = (text: string): WebRtcOffer | OfferRefusal => {
  const sdp = parseSdp(text)
  if ('reason' in sdp) return damaged(sdp.reason)
  const { session, media } = sectionsOf(text)
  if (sdp.media.length === 0) return unsupported('it offers no audio')
  const other = sdp.media.find(({ type }) => type !== 'audio')
  if (other) return unsupported(`it offers ${other.type}: only audio is recorded`)
  if (sdp.media.length > WEBRTC_LINES_MAX) return unsupported(`it offers more than ${WEBRTC_LINES_MAX} lines of audio`)
  const lines: WebRtcLine[] = []
  for (const [index, line] of sdp.media.entries()) {
    const read = readLine(line, media[index] ?? [])
    if ('reason' in read) return read
    lines.push(read)
  }
  if (new Set(lines.map(({ mid }) => mid)).size < lines.length) return damaged('two lines have one mid')
  const isBundled = isBundle(session, lines)
  if (lines.length > 1 && !isBundled) return unsupported('its lines are no bundle')
  const transport = readTransport([...(media[0] ?? []), ...session])
  return 'reason' in transport ? transport : { ...transport, lines, isBundled }
}

/** Where RTP and RTCP share a port, these would be taken for RTCP (RFC 5761 §4). */
const isLikeRtcp = (payloadType: number): boolean => payloadType >= 64 && payloadType <= 95

const readLine = (line: SdpMedia, section: SdpSection): WebRtcLine | OfferRefusal => {
  const mid = firstOf(section, 'mid') ?? '0'
  if (!MID.test(mid)) return damaged('a mid cannot be read')
  if (!PROTOCOL.test(line.protocol)) return unsupported(`its media is ${line.protocol}, not DTLS over UDP`)
  // A line of a bundle may have no port of its own (RFC 9143 §6).
  if (line.port === 0 && firstOf(section, 'bundle-only') === undefined) return unsupported('a line of it is turned off')
  if (line.direction !== 'sendonly' && line.direction !== 'sendrecv') return unsupported('a line of it sends nothing')
  if (!line.isRtcpMultiplexed) return unsupported('it does not multiplex RTCP')
  const offered = line.codecs.filter(({ name, clockRateHz }) => name.toLowerCase() === 'opus' && clockRateHz === 48_000)
  if (offered.length === 0) return unsupported('it does not offer Opus')
  const opus = offered.find(({ payloadType }) => !isLikeRtcp(payloadType))
  if (!opus) return unsupported('its payload type of Opus cannot be told from RTCP')
  return { mid, opus, isStereo: isStereo(opus.parameters), ssrcs: ssrcsOf(section) }
}

/** All that share one transport say it once, or each the same. */
const readTransport = (section: SdpSection): Omit<WebRtcOffer, 'lines' | 'isBundled'> | OfferRefusal => {
  const [ufrag, pwd] = [firstOf(section, 'ice-ufrag'), firstOf(section, 'ice-pwd')]
  if (ufrag === undefined || pwd === undefined || !isIceUfrag(ufrag) || !isIcePwd(pwd)) return damaged('it has no ICE')
  const [fingerprint] = valuesOf(section, 'fingerprint').flatMap(readFingerprint)
  if (!fingerprint) return damaged('it has no fingerprint that counts')
  const [, setup = 'actpass'] = SETUP.exec(firstOf(section, 'setup') ?? '') ?? []
  return {
    ice: { ufrag, pwd },
    fingerprint,
    setup: setup as WebRtcOffer['setup'],
    candidates: candidatesOf(section),
  }
}

/** One whose length is that of its algorithm, or none (RFC 8122 §5). */
const readFingerprint = (text: string): readonly WebRtcOffer['fingerprint'][] => {
  const [, name = '', digits = ''] = FINGERPRINT.exec(text) ?? []
  const [algorithm, value] = [name.toLowerCase(), digits.toUpperCase()]
  const bytes = Number(algorithm.slice('sha-'.length)) / BITS_PER_BYTE
  return value !== '' && value.length === bytes * CHARACTERS_PER_BYTE - 1 ? [{ algorithm, value }] : []
}

/** What a peer says about its own bundle (RFC 9143 §7.2). */
const isBundle = (session: SdpSection, lines: readonly WebRtcLine[]): boolean =>
  valuesOf(session, 'group').some((group) => {
    const [semantics, ...mids] = group.split(' ')
    return semantics === 'BUNDLE' && lines.every(({ mid }) => mids.includes(mid))
  })

/** Those that can be used; the rest does not help (RFC 9725 §4.3.2). */
const candidatesOf = (section: SdpSection): readonly string[] =>
  valuesOf(section, 'candidate')
    .slice(0, CANDIDATES_MAX)
    .map((value) => `candidate:${value}`)
    .filter(isCandidate)

const ssrcsOf = (section: SdpSection): readonly number[] => {
  const numbers = valuesOf(section, 'ssrc').map((value) => Number(SSRC.exec(value)?.[1] ?? Number.NaN))
  return [...new Set(numbers.filter((ssrc) => ssrc < SSRC_END))].slice(0, SSRCS_MAX)
}

/** What it will send; `stereo=1` alone is what it would like to hear, which Firefox always says. */
const isStereo = (parameters = ''): boolean => /(?:^|;)\s*sprop-stereo\s*=\s*1\b/.test(parameters)

const firstOf = (section: SdpSection, name: string): string | undefined => valuesOf(section, name)[0]

const valuesOf = (section: SdpSection, name: string): readonly string[] =>
  section.flatMap((attribute) => (attribute.name === name ? [attribute.value] : []))

const damaged = (reason: string): OfferRefusal => ({ kind: 'damaged', reason })
const unsupported = (reason: string): OfferRefusal => ({ kind: 'unsupported', reason })
