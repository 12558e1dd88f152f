import { createHash } from 'node:crypto'
import { CODEC_NAMES } from '../audio/codecs/codec.ts'
import { normaliseFingerprint } from '../domain/certificate-fingerprint.ts'
import { PoulsenError } from '../domain/errors.ts'
import { normaliseNetwork } from '../domain/ip-network.ts'
import { TRUNK_LAYOUTS, TRUNK_REALM, type Trunk, type TrunkCredentials, type TrunkLayout } from '../domain/trunk.ts'

export const TRUNK_NETWORKS_MAX = 64
export const TRUNK_CERTIFICATES_MAX = 16
export const TRUNK_CALL_MAX_SECONDS = 86_400
const LEG_TYPES = ['pstn', 'sip'] as const satisfies readonly Trunk['legType'][]

/** Characters of what was refused that its refusal repeats: it may be a whole file. */
const REFUSED_SHOWN = 80

const NAME = /^[^\p{Cc}]{1,200}$/u
/** No quotes and backslashes, which the Digest header would escape, and no colon, which ends the name in what is hashed (RFC 7616 §3.4.2). */
const USERNAME = /^[\x21\x23-\x39\x3b-\x5b\x5d-\x7e]{1,128}$/
const PASSWORD = /^[^\p{Cc}]{1,256}$/u

/** The refusal of one argument of a trunk, by its name. */
export const invalid = (attribute: string, message: string, allowed: string): PoulsenError =>
  new PoulsenError({
    code: 'TRUNK_INVALID',
    kind: 'invalid',
    message,
    hint: `Allowed: ${allowed}.`,
    details: { attribute },
  })

/** A name for people. Throws TRUNK_INVALID. */
export const requireTrunkName = (text: string): string => {
  if (NAME.test(text) && text.trim() !== '') return text
  throw invalid('name', 'name is not the name of a trunk.', '1 to 200 characters on one line')
}

/** A kind of call leg that trunks may have. Throws TRUNK_INVALID. */
export const requireTrunkLegType = (text: string): Trunk['legType'] => {
  const found = LEG_TYPES.find((word) => word === text)
  if (found) return found
  throw invalid('leg_type', `leg_type must not be ${text}.`, LEG_TYPES.join(' or '))
}

/** Networks in their canonical form, each once. Throws TRUNK_INVALID. */
export const requireNetworks = (texts: readonly string[]): readonly string[] => {
  const allowed = `at most ${TRUNK_NETWORKS_MAX} IP addresses or networks, such as 10.0.0.0/8 or ::1`
  if (texts.length > TRUNK_NETWORKS_MAX) throw invalid('networks', `networks has ${texts.length} entries.`, allowed)
  const networks = texts.map((text) => {
    const network = normaliseNetwork(text)
    if (network !== undefined) return network
    throw invalid('networks', `networks must not have ${text}.`, allowed)
  })
  return [...new Set(networks)]
}

/** Fingerprints in their canonical form, each once. Throws TRUNK_INVALID. */
export const requireCertificates = (texts: readonly string[]): readonly string[] => {
  const command = '`openssl x509 -noout -fingerprint -sha256 -in cert.pem`'
  const allowed = `at most ${TRUNK_CERTIFICATES_MAX} SHA-256 fingerprints, such as ${command} prints`
  const count = texts.length
  if (count > TRUNK_CERTIFICATES_MAX) throw invalid('certificates', `certificates has ${count} entries.`, allowed)
  const fingerprints = texts.map((text) => {
    const fingerprint = normaliseFingerprint(text)
    if (fingerprint !== undefined) return fingerprint
    throw invalid('certificates', `certificates must not have ${text.slice(0, REFUSED_SHOWN)}.`, allowed)
  })
  return [...new Set(fingerprints)]
}

/** How recording sessions are stored. Throws TRUNK_INVALID. */
export const requireLayout = (text: string): TrunkLayout => {
  const found = TRUNK_LAYOUTS.find((word) => word === text)
  if (found) return found
  throw invalid('layout', `layout must not be ${text}.`, TRUNK_LAYOUTS.join(', '))
}

/** Encoding names as RFC 3551 spells them, in the order given, each once. Throws TRUNK_INVALID. */
export const requireCodecs = (texts: readonly string[]): readonly string[] => {
  const codecs = texts.map((text) => {
    const codec = CODEC_NAMES.find((name) => name.toLowerCase() === text.toLowerCase())
    if (codec) return codec
    throw invalid('codecs', `codecs must not have ${text}.`, CODEC_NAMES.join(', '))
  })
  return [...new Set(codecs)]
}

/** A length in whole seconds. Throws TRUNK_INVALID. */
export const requireCallMaxSeconds = (seconds: number): number => {
  if (Number.isInteger(seconds) && seconds > 0 && seconds <= TRUNK_CALL_MAX_SECONDS) return seconds
  const allowed = `a whole number of seconds from 1 to ${TRUNK_CALL_MAX_SECONDS}`
  throw invalid('call_max_seconds', `call_max_seconds must not be ${seconds}.`, allowed)
}

/** What a trunk's Digest is checked against. The password is not kept, and no message shows it. Throws TRUNK_INVALID. */
export const makeCredentials = (username: string, password: string): TrunkCredentials => {
  if (!USERNAME.test(username)) {
    const allowed = '1 to 128 printable ASCII characters without space, quote, colon and backslash'
    throw invalid('username', 'username cannot be used with Digest.', allowed)
  }
  if (!PASSWORD.test(password)) {
    throw invalid('password', 'password cannot be used with Digest.', '1 to 256 characters on one line')
  }
  const ha1 = (algorithm: string) =>
    createHash(algorithm).update(`${username}:${TRUNK_REALM}:${password}`).digest('hex')
  return { username, ha1Sha256: ha1('sha256'), ha1Md5: ha1('md5') }
}

/** What of a trunk keeps strangers out. */
export interface TrunkGuards {
  readonly networks: readonly string[]
  readonly credentials?: TrunkCredentials | null | undefined
  readonly certificates: readonly string[]
}

/** Throws TRUNK_INVALID for a trunk that would take calls from anybody without having said so. */
export const requireGuarded = ({ networks, credentials, certificates }: TrunkGuards): void => {
  if (networks.length > 0 || credentials || certificates.length > 0) return
  throw invalid(
    'networks',
    'networks are missing, and so are credentials and certificates: anybody could send calls.',
    'networks, a username with a password, certificates, or several of these; 0.0.0.0/0 and ::/0 are everybody',
  )
}
