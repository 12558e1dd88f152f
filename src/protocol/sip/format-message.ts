import { canonicalName } from './header-names.ts'
import type { SipMessage } from './message.ts'

const CONTROL = /[\r\n\0]/g

/**
 * A message as bytes (RFC 3261 §7): CRLF, the header fields in their order under their long names, and Content-Length last, always right whatever they said of it. No value can carry a
 * line break out: such characters become spaces.
 */
export const formatSipMessage = (message: SipMessage): Uint8Array => {
  const startLine =
    message.kind === 'request'
      ? `${message.method} ${message.uri} SIP/2.0`
      : `SIP/2.0 ${message.status} ${message.reason}`
  const lines = message.headers
    .map(([name, value]) => [canonicalName(clean(name).trim()), clean(value)] as const)
    .filter(([name]) => name !== 'Content-Length')
    .map(([name, value]) => `${name}: ${value}`)
  const head = [clean(startLine), ...lines, `Content-Length: ${message.body.length}`, '', ''].join('\r\n')
  const headBytes = new TextEncoder().encode(head)
  const bytes = new Uint8Array(headBytes.length + message.body.length)
  bytes.set(headBytes)
  bytes.set(message.body, headBytes.length)
  return bytes
}

const clean = (text: string): string => text.replace(CONTROL, ' ')
