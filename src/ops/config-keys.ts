import { BlockList, isIP } from 'node:net'
import { availableParallelism } from 'node:os'
import { isTokenSecret } from '../domain/token.ts'
import { parseUuid } from '../domain/uuid.ts'
import { parseSipListen } from './sip-listen.ts'
import { WEBRTC_KEYS } from './webrtc-keys.ts'

/** One setting: how to read it, what is allowed, what it is without being set. */
export interface ConfigKey<T> {
  /** What it does, for the documentation and `poulsen serve --help`. */
  readonly about: string
  /** What is allowed, in words that complete "allowed: …". */
  readonly allowed: string
  /** The text that is parsed when nothing is set; absent: the setting is optional. */
  readonly fallback?: string
  /** The value, or undefined when the text is not allowed. */
  readonly parse: (text: string) => T | undefined
}

const whole =
  (min: number, max: number) =>
  (text: string): number | undefined => {
    const value = Number(text)
    return /^\d+$/.test(text) && value >= min && value <= max ? value : undefined
  }

const oneOf =
  <const T extends string>(...words: readonly T[]) =>
  (text: string): T | undefined =>
    words.find((word) => word === text)

const nonEmpty = (text: string): string | undefined => (text.trim() === '' ? undefined : text)

const origin = (text: string): string | undefined => {
  const url = URL.parse(text)
  const isOrigin = url && /^https?:$/.test(url.protocol) && url.pathname === '/' && !url.search && !url.hash
  return isOrigin && !url.username ? url.origin : undefined
}

const isNetwork = (text: string): boolean => {
  const [address = '', bits, ...rest] = text.split('/')
  const family = isIP(address)
  if (family === 0 || rest.length > 0) return false
  if (bits === undefined) return true
  try {
    new BlockList().addSubnet(address, /^\d{1,3}$/.test(bits) ? Number(bits) : -1, family === 4 ? 'ipv4' : 'ipv6')
    return true
  } catch {
    return false
  }
}

const networks = (text: string): readonly string[] | undefined => {
  const list = text.split(',').map((item) => item.trim())
  return list.every(isNetwork) ? list : undefined
}

const catalogue = (text: string): string | undefined => {
  const url = text === 'sqlite' ? undefined : URL.parse(text)
  const isPostgres = url && /^postgres(?:ql)?:$/.test(url.protocol) && url.hostname !== '' && url.pathname.length > 1
  return text === 'sqlite' || isPostgres ? text : undefined
}

const mediaStore = (text: string): string | undefined =>
  text === 'file' || URL.parse(text)?.protocol === 's3:' ? text : undefined

const address = (text: string): string | undefined => (isIP(text) === 0 ? undefined : text)

/** UDP ports from first to last, both included; the first is even, so that RTP has even ports and RTCP the odd ones above (RFC 3550 §11). */
export interface PortRange {
  readonly first: number
  readonly last: number
}

const PORT_MIN = 1024
const PORT_MAX = 65_535

const portRange = (text: string): PortRange | undefined => {
  const [, low, high] = /^(\d{1,5})-(\d{1,5})$/.exec(text) ?? []
  const [first, last] = [Number(low), Number(high)]
  return first >= PORT_MIN && first % 2 === 0 && last > first && last <= PORT_MAX ? { first, last } : undefined
}

const MEBIBYTE = 1024 ** 2
const GIBIBYTE = 1024 ** 3
const DAY_SECONDS = 86_400

/** Every setting. The environment variable is `POULSEN_` + the name; the flag of `poulsen serve` is its lower-case form with dashes. */
export const CONFIG_KEYS = {
  HOST: {
    about: 'Address to listen on.',
    allowed: 'a host name or IP address',
    fallback: '127.0.0.1',
    parse: nonEmpty,
  },
  PORT: {
    about: 'TCP port of the HTTP server; 0 takes a free one.',
    allowed: 'a whole number from 0 to 65535',
    fallback: '8080',
    parse: whole(0, 65_535),
  },
  PUBLIC_URL: {
    about: "Origin in the links and media URLs that clients get; without it, the request's own scheme and host.",
    allowed: 'an http or https origin without a path, such as https://recordings.example.com',
    parse: origin,
  },
  DATA_DIR: { about: 'Folder of the catalogue and the media.', allowed: 'a path', fallback: './data', parse: nonEmpty },
  CATALOGUE: {
    about: 'Where the rows are: in a file of the data folder, or in a PostgreSQL database (14 or newer).',
    allowed: 'sqlite, or postgres://user:password@host:port/database, with ?sslmode=verify-full for TLS',
    fallback: 'sqlite',
    parse: catalogue,
  },
  MEDIA_STORE: {
    about:
      'Where the bytes are: in files of the data folder, or in a bucket of an S3 server, to which they move from there.',
    allowed:
      'file, or s3://bucket/prefix with ?endpoint=, region=, path_style=, sse= and sse_kms_key_id=; keys come from the AWS chain',
    fallback: 'file',
    parse: mediaStore,
  },
  MEDIA_REDIRECT_SECONDS: {
    about:
      'With media in S3: a listener is sent there by a presigned URL that is good for so long, instead of getting the bytes from here. Clients must follow redirects. 0: never.',
    allowed: 'a whole number of seconds from 0 to 604800',
    fallback: '0',
    parse: whole(0, 604_800),
  },
  NODE_URL: {
    about: 'Where the other nodes over the same catalogue reach this one, to answer for what is on its disk still.',
    allowed: 'an http or https origin without a path, such as http://10.0.0.5:8080',
    parse: origin,
  },
  NODE_LOST_AFTER_SECONDS: {
    about:
      'A node that was not heard of for so long is taken for lost: another one settles its recordings as failed, until it returns.',
    allowed: 'a whole number of seconds from 15 to 86400',
    fallback: '600',
    parse: whole(15, 86_400),
  },
  ORPHANS_KEPT_DAYS: {
    about:
      'How long recorded bytes that no row names are kept: the time to notice that the catalogue is an older one, or another. 0: an hour.',
    allowed: 'a whole number of days from 0 to 3650',
    fallback: '7',
    parse: whole(0, 3650),
  },
  TLS_CERT: {
    about: 'PEM certificate chain; with TLS_KEY, serves HTTPS. Reloaded when it changes.',
    allowed: 'a path',
    parse: nonEmpty,
  },
  TLS_KEY: { about: 'PEM private key of TLS_CERT.', allowed: 'a path', parse: nonEmpty },
  TRUSTED_PROXIES: {
    about: 'Proxies whose X-Forwarded-* headers are believed.',
    allowed: 'IP addresses or networks, separated by commas, such as 10.0.0.0/8,127.0.0.1',
    parse: networks,
  },
  LOG_LEVEL: {
    about: 'Least severe log line that is written.',
    allowed: 'trace, debug, info, warn, error, fatal or silent',
    fallback: 'info',
    parse: oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
  },
  BOOTSTRAP_PROJECT_ID: {
    about: 'Project that must exist after the start; made when absent.',
    allowed: 'a UUID',
    parse: parseUuid,
  },
  BOOTSTRAP_TOKEN: {
    about: 'Token that must open that project after the start; made, with all permissions, when absent.',
    allowed: 'PT followed by 48 lower-case hexadecimal digits',
    parse: (text: string) => (isTokenSecret(text) ? text : undefined),
  },
  STATUS_VOCABULARY: {
    about: 'Status words on the wire: `rest` says completed and failed, `event` says finished and error.',
    allowed: 'rest or event',
    fallback: 'rest',
    parse: oneOf('rest', 'event'),
  },
  UPLOAD_MAX_BYTES: {
    about: 'Largest upload.',
    allowed: 'a whole number of bytes from 1 to 1099511627776 (1 TiB)',
    fallback: String(4 * GIBIBYTE),
    parse: whole(1, 1024 * GIBIBYTE),
  },
  UPLOAD_CONCURRENT_MAX: {
    about: 'Uploads that may run at once; more get 503.',
    allowed: 'a whole number from 1 to 10000',
    fallback: '64',
    parse: whole(1, 10_000),
  },
  UPLOAD_IDLE_SECONDS: {
    about: 'An upload that sends nothing for so long is ended with 408.',
    allowed: 'a whole number of seconds from 1 to 3600',
    fallback: '30',
    parse: whole(1, 3600),
  },
  DERIVED_CACHE_MAX_BYTES: {
    about: 'Size of the cache of derived media (an .mp3 of a WAV, …); least recently used out first.',
    allowed: 'a whole number of bytes from 0 to 1099511627776 (1 TiB)',
    fallback: String(GIBIBYTE),
    parse: whole(0, 1024 * GIBIBYTE),
  },
  TRANSCODE_WORKERS: {
    about: 'Threads that derive media.',
    allowed: 'a whole number from 1 to 64',
    fallback: String(Math.min(8, Math.max(1, availableParallelism() - 1))),
    parse: whole(1, 64),
  },
  SHUTDOWN_DEADLINE_SECONDS: {
    about: 'How long a stop waits for running requests before it cuts them.',
    allowed: 'a whole number of seconds from 1 to 86400',
    fallback: '30',
    parse: whole(1, DAY_SECONDS),
  },
  SIP_LISTEN: {
    about: 'Where calls are taken; tls uses TLS_CERT and TLS_KEY.',
    allowed:
      'none, or up to 16 of udp:host:port, tcp:host:port and tls:host:port, separated by commas, with IPv6 addresses in brackets',
    fallback: 'udp:127.0.0.1:5060,tcp:127.0.0.1:5060',
    parse: parseSipListen,
  },
  RTP_PORTS: {
    about: 'UDP ports that media is received on: two for a stream.',
    allowed: 'two port numbers from 1024 to 65535 with a hyphen, the first even and less than the second',
    fallback: '30000-39999',
    parse: portRange,
  },
  RTP_HOST: {
    about: 'Address that media is received on; without it, that of the SIP listener that took the call.',
    allowed: 'an IP address',
    parse: address,
  },
  ...WEBRTC_KEYS,
  CAPTURE_WORKERS: {
    about: 'Threads that record calls.',
    allowed: 'a whole number from 1 to 64',
    fallback: String(Math.min(4, Math.max(1, availableParallelism() - 1))),
    parse: whole(1, 64),
  },
  CALLS_MAX: {
    about: 'Calls that may be recorded at once; more get 503.',
    allowed: 'a whole number from 1 to 100000',
    fallback: '1000',
    parse: whole(1, 100_000),
  },
  CALL_MAX_SECONDS: {
    about: 'Longest call; what goes on is hung up. A trunk may have less.',
    allowed: 'a whole number of seconds from 1 to 86400',
    fallback: '14400',
    parse: whole(1, DAY_SECONDS),
  },
  MEDIA_TIMEOUT_SECONDS: {
    about: 'A call that is not on hold and brings no media for so long is ended.',
    allowed: 'a whole number of seconds from 1 to 3600',
    fallback: '30',
    parse: whole(1, 3600),
  },
  DISK_RESERVE_BYTES: {
    about: 'Free space below which new calls get 503; at a quarter of it the running ones are ended, cleanly.',
    allowed: 'a whole number of bytes from 0 to 1099511627776 (1 TiB)',
    fallback: String(256 * MEBIBYTE),
    parse: whole(0, 1024 * GIBIBYTE),
  },
} satisfies Record<string, ConfigKey<unknown>>
