import { parseHostPort } from './host-port.ts'
import { type Parameters, parseParameters } from './parameters.ts'

/** A sip or sips URI (RFC 3261 §19.1). */
export interface SipUri {
  readonly scheme: 'sip' | 'sips'
  /** As it came, escapes and all; without a password. */
  readonly user: string | undefined
  /** IPv6 without brackets. */
  readonly host: string
  readonly port: number | undefined
  readonly parameters: Parameters
}

const SCHEME = /^(sips?):/i

/** The parts of a SIP URI, or undefined for anything else. Header fields in it (`?…`) are left out. */
export const parseSipUri = (text: string): SipUri | undefined => {
  const [prefix, scheme] = SCHEME.exec(text.trim()) ?? []
  if (prefix === undefined || scheme === undefined) return undefined
  const rest = text.trim().slice(prefix.length)
  // A user part may hold `;` and `?`, a host may not: the last @ divides them.
  const at = rest.lastIndexOf('@')
  const { value, parameters } = parseParameters(rest.slice(at + 1).split('?')[0] ?? '')
  const hostPort = parseHostPort(value)
  const user = at < 0 ? undefined : rest.slice(0, at).split(':')[0]
  if (!hostPort || user === '' || /\s/.test(rest)) return undefined
  return { scheme: scheme.toLowerCase() as SipUri['scheme'], user, ...hostPort, parameters }
}
