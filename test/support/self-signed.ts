import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { isIPv4 } from 'node:net'

/** A certificate with its key, both PEM, its name, and its SHA-256 fingerprint, 64 lower-case hexadecimal digits. */
export interface Certificate {
  readonly name: string
  readonly cert: string
  readonly key: string
  readonly fingerprint: string
}

const HOUR_MS = 3_600_000
const SERIAL_BYTES = 8

/** A length as DER has it: in as few bytes as it fits (X.690 §10.1). */
const lengthOf = (byteCount: number): readonly number[] => {
  if (byteCount < 0x80) return [byteCount]
  return byteCount < 0x100 ? [0x81, byteCount] : [0x82, byteCount >> 8, byteCount & 0xff]
}
const element = (tag: number, ...contents: readonly Uint8Array[]): Buffer => {
  const body = Buffer.concat(contents)
  return Buffer.concat([Buffer.from([tag, ...lengthOf(body.length)]), body])
}
const sequence = (...contents: readonly Uint8Array[]): Buffer => element(0x30, ...contents)
const ascii = (tag: number, text: string): Buffer => element(tag, Buffer.from(text, 'latin1'))

/** 1.2.840.10045.4.3.2, ecdsa-with-SHA256. */
const ALGORITHM = sequence(element(0x06, Buffer.from('2a8648ce3d040302', 'hex')))
/** 2.5.4.3, commonName. */
const COMMON_NAME = element(0x06, Buffer.from('550403', 'hex'))

/** YYMMDDHHMMSSZ (RFC 5280 §4.1.2.5.1). */
const time = (date: Date): Buffer => ascii(0x17, `${date.toISOString().replace(/\D/g, '').slice(2, 14)}Z`)

const oid = (hex: string): Buffer => element(0x06, Buffer.from(hex, 'hex'))
const TRUE = element(0x01, Buffer.from([0xff]))

/** It may sign others (RFC 5280 §4.2.1.9). */
const AUTHORITY = sequence(oid('551d13'), TRUE, element(0x04, sequence(TRUE)))

/** The names and IPv4 addresses that it is for (RFC 5280 §4.2.1.6). */
const forHosts = (hosts: readonly string[]): Buffer => {
  const names = hosts.map((host) =>
    isIPv4(host) ? element(0x87, Buffer.from(host.split('.').map(Number))) : ascii(0x82, host),
  )
  return sequence(oid('551d11'), element(0x04, sequence(...names)))
}

/** What a certificate says. */
export interface CertificateParts {
  readonly name?: string
  readonly validFrom?: Date
  readonly validTo?: Date
  /** Servers' names and IPv4 addresses. */
  readonly hosts?: readonly string[]
  /** Whether it may sign others. */
  readonly isAuthority?: boolean
}

const nameOf = (name: string): Buffer => sequence(element(0x31, sequence(COMMON_NAME, ascii(0x0c, name))))

const extensionsOf = ({ hosts, isAuthority }: CertificateParts): readonly Buffer[] => {
  const extensions = [...(isAuthority ? [AUTHORITY] : []), ...(hosts ? [forHosts(hosts)] : [])]
  return extensions.length > 0 ? [element(0xa3, sequence(...extensions))] : []
}

/** Makes a certificate that its own key signed (RFC 5280 §4.1), of any time before 2050: tools refuse to make those that have expired. */
export const selfSigned = (parts: CertificateParts = {}): Certificate => make(parts)

/** The same, signed by an authority. */
export const signedBy = (issuer: Certificate, parts: CertificateParts = {}): Certificate => make(parts, issuer)

const make = (parts: CertificateParts, issuer?: Certificate): Certificate => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const { name = 'peer', validFrom = new Date(Date.now() - HOUR_MS), validTo = new Date(Date.now() + HOUR_MS) } = parts
  // The first bit is 0, so that the number is positive.
  const serial = element(0x02, Buffer.from([0x01]), randomBytes(SERIAL_BYTES))
  const version3 = element(0xa0, element(0x02, Buffer.from([2])))
  const keyInfo = publicKey.export({ type: 'spki', format: 'der' })
  const validity = sequence(time(validFrom), time(validTo))
  const names = [nameOf(issuer?.name ?? name), validity, nameOf(name)]
  const signed = sequence(version3, serial, ALGORITHM, ...names, keyInfo, ...extensionsOf(parts))
  const signature = element(0x03, Buffer.from([0]), sign('sha256', signed, issuer?.key ?? privateKey))
  const der = sequence(signed, ALGORITHM, signature)
  const lines = der.toString('base64').replace(/.{64}(?=.)/g, '$&\n')
  return {
    name,
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    fingerprint: createHash('sha256').update(der).digest('hex'),
  }
}
