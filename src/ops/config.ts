import { PoulsenError } from '../domain/errors.ts'
import type { IceServer } from '../domain/ice-server.ts'
import type { Uuid } from '../domain/uuid.ts'
import { CONFIG_KEYS, type ConfigKey, type PortRange } from './config-keys.ts'
import type { SipListenAddress } from './sip-listen.ts'
import type { WebRtcListen } from './webrtc-keys.ts'

/** Everything that can be set, read once at the start and passed on from there. Frozen. */
export interface Config {
  readonly host: string
  readonly port: number
  readonly publicUrl?: string
  readonly dataDir: string
  /** `sqlite`, or the URL of a PostgreSQL database. */
  readonly catalogue: string
  /** `file`, or the URL of a bucket. */
  readonly mediaStore: string
  /** 0: never. */
  readonly mediaRedirectSeconds: number
  readonly nodeUrl?: string
  readonly nodeLostAfterSeconds: number
  readonly orphansKeptDays: number
  readonly tlsCert?: string
  readonly tlsKey?: string
  readonly trustedProxies?: readonly string[]
  readonly logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'
  readonly bootstrapProjectId?: Uuid
  readonly bootstrapToken?: string
  readonly statusVocabulary: 'rest' | 'event'
  readonly uploadMaxBytes: number
  readonly uploadConcurrentMax: number
  readonly uploadIdleSeconds: number
  readonly derivedCacheMaxBytes: number
  readonly transcodeWorkers: number
  readonly shutdownDeadlineSeconds: number
  /** Empty: no calls are taken. */
  readonly sipListen: readonly SipListenAddress[]
  readonly rtpPorts: PortRange
  readonly rtpHost?: string
  /** null: no WebRTC. */
  readonly webrtcListen: WebRtcListen | null
  readonly webrtcPublicAddress?: string
  readonly webrtcIceServers?: readonly IceServer[]
  readonly webrtcOrigins: '*' | readonly string[]
  readonly webrtcProjectMax: number
  readonly webrtcPostsPerSecond: number
  readonly webrtcWavRate: number
  readonly webrtcDemo: 'on' | 'off'
  readonly captureWorkers: number
  readonly callsMax: number
  readonly callMaxSeconds: number
  readonly mediaTimeoutSeconds: number
  readonly diskReserveBytes: number
}

type KeyName = keyof typeof CONFIG_KEYS

const PREFIX = 'POULSEN_'
const SECRETS: ReadonlySet<string> = new Set<KeyName>(['BOOTSTRAP_TOKEN', 'WEBRTC_ICE_SERVERS', 'CATALOGUE'])

/** `UPLOAD_MAX_BYTES` → `uploadMaxBytes`. */
const propertyOf = (name: string): string =>
  name.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())

const badValue = (name: string, text: string, allowed: string): PoulsenError =>
  new PoulsenError({
    code: 'CONFIG_INVALID',
    kind: 'invalid',
    message: `${PREFIX}${name}=${SECRETS.has(name) ? '(hidden)' : text} is not allowed; allowed: ${allowed}.`,
  })

/**
 * The configuration from flags (property name → text) over environment variables over defaults.
 * Throws CONFIG_INVALID with one line that names the key, the value and what is allowed; also for a `POULSEN_` variable that no key has,
 * so that a misspelt setting is never silently ignored.
 */
export const readConfig = (
  flags: Readonly<Record<string, string | undefined>>,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Config => {
  rejectUnknown(environment)
  const values: Record<string, unknown> = {}
  for (const [name, key] of Object.entries(CONFIG_KEYS) as [KeyName, ConfigKey<unknown>][]) {
    const property = propertyOf(name)
    const text = flags[property] ?? (environment[PREFIX + name] || undefined) ?? key.fallback
    if (text === undefined) continue
    const value = key.parse(text)
    if (value === undefined) throw badValue(name, text, key.allowed)
    values[property] = value
  }
  const config = values as unknown as Config
  if ((config.tlsCert === undefined) !== (config.tlsKey === undefined)) throw halfTls()
  if (config.tlsCert === undefined && config.sipListen.some(({ transport }) => transport === 'tls'))
    throw sipWithoutTls()
  return Object.freeze(config)
}

const rejectUnknown = (environment: Readonly<Record<string, string | undefined>>): void => {
  const unknown = Object.keys(environment).find(
    (name) => name.startsWith(PREFIX) && !(name.slice(PREFIX.length) in CONFIG_KEYS),
  )
  if (unknown === undefined) return
  throw new PoulsenError({
    code: 'CONFIG_INVALID',
    kind: 'invalid',
    message: `${unknown} is not a setting; allowed: ${Object.keys(CONFIG_KEYS)
      .map((name) => PREFIX + name)
      .join(', ')}.`,
  })
}

const halfTls = (): PoulsenError =>
  new PoulsenError({
    code: 'CONFIG_INVALID',
    kind: 'invalid',
    message: 'POULSEN_TLS_CERT and POULSEN_TLS_KEY go together; allowed: both or neither.',
  })

const sipWithoutTls = (): PoulsenError =>
  new PoulsenError({
    code: 'CONFIG_INVALID',
    kind: 'invalid',
    message: 'POULSEN_SIP_LISTEN has tls; allowed: with POULSEN_TLS_CERT and POULSEN_TLS_KEY only.',
  })
