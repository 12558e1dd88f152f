/** Candidates of one peer that are looked at. */
export const CANDIDATES_MAX = 64

/** RFC 8839 §5.1, as far as it concerns us: UDP, the component of RTP, a known type; extensions are words. */
const CANDIDATE =
  /^candidate:([A-Za-z0-9+/]{1,32}) 1 udp (\d{1,10}) (\S{1,255}) (\d{1,5}) typ (host|srflx|prflx|relay)((?: [\x21-\x7e]{1,64}){0,24})$/i
/** What an address looks like; who connects to it sees whether it is one. */
const ADDRESS = /^(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f:.]*:[0-9a-f:.]*)$/i
const PORT_MAX = 65_535
const PRIORITY_END = 2 ** 31

/**
 * True for a candidate that can be tried: an address, no name. Names (mDNS of browsers that hide theirs, RFC 8828) are not asked for of anybody: such a peer
 * is found by its own first packet.
 */
export const isCandidate = (text: string): boolean => {
  const [, , priority, address = '', port] = CANDIDATE.exec(text) ?? []
  const [number, rank] = [Number(port), Number(priority)]
  return ADDRESS.test(address) && number >= 1 && number <= PORT_MAX && rank >= 1 && rank < PRIORITY_END
}

/** The parts of a candidate of ours that an answer tells. */
export const rewriteCandidate = (text: string, publicAddress: string): string => {
  const words = text.split(' ')
  words[4] = publicAddress
  return words.join(' ')
}
