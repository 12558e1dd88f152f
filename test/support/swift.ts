import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { requireProgram } from '../acceptance/support/debian.ts'
import { freePort } from './free-port.ts'
import { makeBucket, type S3Server, type ServerCredentials, untilAnswered } from './s3-server.ts'
import { ServerProcess } from './server-process.ts'

const PROGRAMS: readonly (readonly [path: string, packageName: string])[] = [
  ['/usr/bin/swift-proxy-server', 'swift-proxy'],
  ['/usr/bin/swift-account-server', 'swift-account'],
  ['/usr/bin/swift-container-server', 'swift-container'],
  ['/usr/bin/swift-object-server', 'swift-object'],
  ['/usr/bin/memcached', 'memcached'],
]
const KINDS = ['account', 'container', 'object'] as const
const FILTERS =
  'catch_errors gatekeeper healthcheck proxy-logging cache listing_formats s3api tempauth copy bulk slo dlo'
const PLAIN_FILTERS = `${FILTERS} versioned_writes`
  .split(' ')
  .filter((name) => !/^(?:cache|s3api|tempauth)$/.test(name))

const general = (folder: string, port: number): string => `[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${port}
workers = 0
user = root
swift_dir = ${folder}
devices = ${folder}/devices
mount_check = false
fallocate_reserve = 0
log_address = ${folder}/no-log
`

const proxySettings = (folder: string, port: number, memcachePort: number, { secretAccessKey }: ServerCredentials) =>
  `${general(folder, port)}
[pipeline:main]
pipeline = ${FILTERS} versioned_writes proxy-logging proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:${memcachePort}
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = ${secretAccessKey} .admin
user_test_guest = ${secretAccessKey}
${PLAIN_FILTERS.map((name) => `[filter:${name}]\nuse = egg:swift#${name.replace('-', '_')}`).join('\n')}
`

/** OpenStack Swift with its S3 API, out of Debian's packages: a proxy, its three servers, a cache. Freeze, halt and resume concern the proxy. */
export class SwiftServer implements S3Server {
  readonly #folder: string
  readonly #processes: readonly ServerProcess[]
  #proxy: ServerProcess
  readonly credentials: ServerCredentials
  readonly endpoint: string

  private constructor(
    folder: string,
    port: number,
    processes: readonly ServerProcess[],
    credentials: ServerCredentials,
  ) {
    this.#folder = folder
    this.#processes = processes
    this.credentials = credentials
    this.endpoint = `http://127.0.0.1:${port}`
    this.#proxy = this.#startProxy()
  }

  /** Starts one, and installs it when it is not there. */
  static async start(): Promise<SwiftServer> {
    for (const [path, packageName] of PROGRAMS) requireProgram(path, packageName)
    const folder = mkdtempSync(join(tmpdir(), 'poulsen-swift-'))
    mkdirSync(join(folder, 'devices', 'd1'), { recursive: true })
    const hash = '[swift-hash]\nswift_hash_path_suffix = test\nswift_hash_path_prefix = test\n'
    writeFileSync(join(folder, 'swift.conf'), `${hash}[storage-policy:0]\nname = one\ndefault = yes\n`)
    const [port, cachePort] = [await freePort(), await freePort()]
    const cache = ['-l', '127.0.0.1', '-p', String(cachePort), '-U', '0', '-u', 'root']
    const processes = [new ServerProcess(folder, '/usr/bin/memcached', cache)]
    for (const kind of KINDS) processes.push(startPart(folder, kind, await freePort()))
    const credentials = { accessKeyId: 'test:tester', secretAccessKey: randomBytes(12).toString('hex') }
    writeFileSync(join(folder, 'proxy.conf'), proxySettings(folder, port, cachePort, credentials))
    const server = new SwiftServer(folder, port, processes, credentials)
    await untilAnswered(server.endpoint, credentials)
    return server
  }

  async bucket(): Promise<string> {
    return await makeBucket(this.endpoint, this.credentials)
  }

  freeze(): void {
    this.#proxy.freeze()
  }

  thaw(): void {
    this.#proxy.thaw()
  }

  async halt(): Promise<void> {
    await this.#proxy.stop()
  }

  async resume(): Promise<void> {
    this.#proxy = this.#startProxy()
    await untilAnswered(this.endpoint, this.credentials)
  }

  async stop(): Promise<void> {
    for (const each of [this.#proxy, ...this.#processes]) await each.stop()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #startProxy(): ServerProcess {
    return new ServerProcess(this.#folder, '/usr/bin/swift-proxy-server', [join(this.#folder, 'proxy.conf')])
  }
}

/** The ring says where the server of a kind is; one device has all of it. */
const startPart = (folder: string, kind: (typeof KINDS)[number], port: number): ServerProcess => {
  const builder = join(folder, `${kind}.builder`)
  const ring = (...args: readonly string[]) => execFileSync('swift-ring-builder', [builder, ...args])
  ring('create', '6', '1', '1')
  ring('add', `r1z1-127.0.0.1:${port}/d1`, '1')
  ring('rebalance')
  const path = join(folder, `${kind}.conf`)
  const parts = `[pipeline:main]\npipeline = ${kind}-server\n[app:${kind}-server]\nuse = egg:swift#${kind}\n`
  writeFileSync(path, general(folder, port) + parts)
  return new ServerProcess(folder, `/usr/bin/swift-${kind}-server`, [path])
}
