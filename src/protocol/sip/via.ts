import { formatHostPort, parseHostPort } from './host-port.ts'
import { formatParameters, type Parameters, parseParameters } from './parameters.ts'

/** One value of a Via (RFC 3261 §20.42, RFC 3581). */
export interface Via {
  /** `UDP`, `TCP`, `TLS`, …: upper case. */
  readonly transport: string
  /** sent-by; IPv6 without brackets. */
  readonly host: string
  readonly port: number | undefined
  readonly branch: string | undefined
  readonly parameters: Parameters
}

const PROTOCOL = /^SIP\s*\/\s*2\.0\s*\/\s*([A-Za-z0-9-]{1,32})\s+(.+)$/is

/** A Via value, or undefined when it is none. */
export const parseVia = (text: string): Via | undefined => {
  const { value, parameters } = parseParameters(text)
  const [, transport, sentBy] = PROTOCOL.exec(value) ?? []
  const hostPort = sentBy === undefined ? undefined : parseHostPort(sentBy)
  if (transport === undefined || !hostPort) return undefined
  return { transport: transport.toUpperCase(), ...hostPort, branch: parameters.get('branch'), parameters }
}

/** A Via as a header value; `branch` is what its parameters have. */
export const formatVia = ({ transport, host, port, parameters }: Via): string =>
  `SIP/2.0/${transport} ${formatHostPort({ host, port })}${formatParameters(parameters)}`
