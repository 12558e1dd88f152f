import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { normaliseFingerprint } from '../../domain/certificate-fingerprint.ts'

/**
 * A certificate that a peer has shown in a TLS handshake. That it has the key is what the handshake proves (RFC 8446 §4.4.3); who made the certificate does not
 * matter where its fingerprint is what is known, so a self-signed one is as good as any.
 */
export interface PeerCertificate {
  /** SHA-256, 64 lower-case hexadecimal digits. */
  readonly fingerprint: string
  readonly validFromMs: number
  readonly validToMs: number
}

/** The certificate of the peer of an established connection; undefined for one without, and without TLS. */
export const peerCertificateOf = (socket: Socket): PeerCertificate | undefined => {
  const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined
  const fingerprint = normaliseFingerprint(certificate?.fingerprint256 ?? '')
  if (!certificate || fingerprint === undefined) return undefined
  const { validFromDate, validToDate } = certificate
  return { fingerprint, validFromMs: validFromDate.getTime(), validToMs: validToDate.getTime() }
}

/** Its fingerprint while it is valid (RFC 5280 §4.1.2.5), so that a connection outlives its certificate without its rights. */
export const fingerprintAt = (certificate: PeerCertificate | undefined, nowMs: number): string | undefined => {
  if (!certificate) return undefined
  const { fingerprint, validFromMs, validToMs } = certificate
  return nowMs >= validFromMs && nowMs <= validToMs ? fingerprint : undefined
}
