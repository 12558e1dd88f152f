const IPV4_BITS = 32
const IPV6_BITS = 128
const IPV6_GROUPS = 8
/** Longer than any address with a prefix length. */
const TEXT_MAX = 64
/** `::ffff:0:0/96`: IPv4 addresses as a socket of both families shows them (RFC 4291 §2.5.5.2). */
const MAPPED_PREFIX = 0xffffn
const MAPPED_BITS = 96

/** An IP network; a single address is one of all bits. */
interface IpNetwork {
  readonly family: 4 | 6
  readonly address: bigint
  readonly prefixBits: number
}

/**
 * An address or network (`10.1.2.3/8`, `::1`) in its one canonical form (`10.0.0.0/8`, `::1`; RFC 5952): host bits cleared, the prefix left out when it is
 * a single address, IPv4-mapped IPv6 as IPv4. Undefined for anything else, among it zones and IPv4 with leading zeros.
 */
export const normaliseNetwork = (text: string): string | undefined => {
  if (text.length > TEXT_MAX) return undefined
  const [addressText = '', prefixText, ...rest] = text.split('/')
  const family = addressText.includes(':') ? 6 : 4
  const address = family === 6 ? parseIpv6(addressText) : parseIpv4(addressText)
  const bits = family === 6 ? IPV6_BITS : IPV4_BITS
  const prefixBits = prefixText === undefined ? bits : parsePrefix(prefixText, bits)
  if (address === undefined || prefixBits === undefined || rest.length > 0) return undefined
  return format(masked(unmapped({ family, address, prefixBits })))
}

const parsePrefix = (text: string, bits: number): number | undefined =>
  /^(0|[1-9]\d{0,2})$/.test(text) && Number(text) <= bits ? Number(text) : undefined

const parseIpv4 = (text: string): bigint | undefined => {
  const parts = text.split('.')
  if (parts.length !== 4) return undefined
  const isOctet = (part: string) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255
  return parts.every(isOctet) ? parts.reduce((sum, part) => (sum << 8n) | BigInt(part), 0n) : undefined
}

const parseIpv6 = (text: string): bigint | undefined => {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const [head, tail] = [parseGroups(halves[0] ?? '', halves.length === 1), parseGroups(halves[1] ?? '', true)]
  if (!head || !tail) return undefined
  const missing = IPV6_GROUPS - head.length - tail.length
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined
  const groups = [...head, ...Array.from({ length: missing }, () => 0n), ...tail]
  return groups.reduce((sum, group) => (sum << 16n) | group, 0n)
}

/** Groups of 16 bits; at the address's end the last two may be an IPv4 address. */
const parseGroups = (text: string, isEnd: boolean): readonly bigint[] | undefined => {
  if (text === '') return []
  const words = text.split(':')
  const last = words.at(-1) ?? ''
  const ipv4 = isEnd && last.includes('.') ? parseIpv4(last) : undefined
  const hexadecimal = ipv4 === undefined ? words : words.slice(0, -1)
  if (!hexadecimal.every((word) => /^[0-9a-f]{1,4}$/i.test(word))) return undefined
  const groups = hexadecimal.map((word) => BigInt(`0x${word}`))
  return ipv4 === undefined ? groups : [...groups, ipv4 >> 16n, ipv4 & 0xffffn]
}

const unmapped = (network: IpNetwork): IpNetwork => {
  const { family, address, prefixBits } = network
  if (family === 4 || prefixBits < MAPPED_BITS || address >> 32n !== MAPPED_PREFIX) return network
  return { family: 4, address: address & 0xffffffffn, prefixBits: prefixBits - MAPPED_BITS }
}

const masked = ({ family, address, prefixBits }: IpNetwork): IpNetwork => {
  const hostBits = BigInt((family === 6 ? IPV6_BITS : IPV4_BITS) - prefixBits)
  return { family, address: (address >> hostBits) << hostBits, prefixBits }
}

const format = ({ family, address, prefixBits }: IpNetwork): string => {
  const text = family === 6 ? formatIpv6(address) : formatIpv4(address)
  return prefixBits === (family === 6 ? IPV6_BITS : IPV4_BITS) ? text : `${text}/${prefixBits}`
}

const formatIpv4 = (address: bigint): string => [24n, 16n, 8n, 0n].map((shift) => (address >> shift) & 255n).join('.')

/** RFC 5952 §4: lower case, no leading zeros, the first longest run of two or more zero groups as `::`. */
const formatIpv6 = (address: bigint): string => {
  const groups = Array.from({ length: IPV6_GROUPS }, (_, index) => (address >> BigInt(112 - 16 * index)) & 0xffffn)
  const words = groups.map((group) => group.toString(16))
  const run = longestZeroRun(groups)
  if (run.length < 2) return words.join(':')
  return `${words.slice(0, run.start).join(':')}::${words.slice(run.start + run.length).join(':')}`
}

const longestZeroRun = (groups: readonly bigint[]): { readonly start: number; readonly length: number } => {
  let longest = { start: 0, length: 0 }
  let length = 0
  for (const [index, group] of groups.entries()) {
    length = group === 0n ? length + 1 : 0
    if (length > longest.length) longest = { start: index - length + 1, length }
  }
  return longest
}
