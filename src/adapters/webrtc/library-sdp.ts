import type { PeerAnswer, PeerOffer } from '../../ports/webrtc-peers.ts'

/**
 * An offer as the library wants it: written from values that have been checked, so that no text of a peer ever reaches native code as it came. One
 * payload type a line, which the library's answer then takes.
 */
export const formatLibraryOffer = ({ ice, fingerprint, setup, candidates, lines }: PeerOffer): string => {
  const text = [
    'v=0',
    'o=- 1 1 IN IP4 0.0.0.0',
    's=-',
    't=0 0',
    `a=group:BUNDLE ${lines.map(({ mid }) => mid).join(' ')}`,
    `a=ice-ufrag:${ice.ufrag}`,
    `a=ice-pwd:${ice.pwd}`,
    'a=ice-options:trickle',
    `a=fingerprint:${fingerprint.algorithm} ${fingerprint.value}`,
    `a=setup:${setup}`,
    ...lines.flatMap(({ mid, payloadType, ssrcs }, index) => [
      `m=audio 9 UDP/TLS/RTP/SAVPF ${payloadType}`,
      'c=IN IP4 0.0.0.0',
      `a=mid:${mid}`,
      'a=sendonly',
      'a=rtcp-mux',
      `a=rtpmap:${payloadType} opus/48000/2`,
      ...ssrcs.map((ssrc) => `a=ssrc:${ssrc} cname:peer`),
      ...(index === 0 ? candidates.map((candidate) => `a=${candidate}`) : []),
    ]),
  ]
  return text.map((line) => `${line}\r\n`).join('')
}

/** What the library's answer says; undefined when something is missing. */
export const readLibraryAnswer = (text: string): PeerAnswer | undefined => {
  const lines = text.split(/\r?\n/)
  const attribute = (name: string) => lines.find((line) => line.startsWith(`a=${name}:`))?.slice(name.length + 3)
  const [ufrag, pwd, print, setup] = ['ice-ufrag', 'ice-pwd', 'fingerprint', 'setup'].map(attribute)
  const [algorithm, value] = print?.split(' ') ?? []
  if (!ufrag || !pwd || !algorithm || !value || (setup !== 'active' && setup !== 'passive')) return undefined
  const candidates = lines.filter((line) => line.startsWith('a=candidate:')).map((line) => line.slice(2))
  return { ice: { ufrag, pwd }, fingerprint: { algorithm, value }, setup, candidates }
}
