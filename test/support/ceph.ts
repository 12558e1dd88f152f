import { execFile } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { requireProgram } from '../acceptance/support/debian.ts'
import { freePort } from './free-port.ts'
import { makeBucket, type S3Server, type ServerCredentials, untilAnswered } from './s3-server.ts'
import { ServerProcess } from './server-process.ts'
import { waitFor } from './wait-for.ts'

const run = promisify(execFile)
const COMMAND_MS = 60_000
const GIB = 1024 ** 3
const PROGRAMS: readonly (readonly [path: string, packageName: string])[] = [
  ['/usr/bin/ceph-mon', 'ceph-mon'],
  ['/usr/bin/ceph-osd', 'ceph-osd'],
  ['/usr/bin/radosgw', 'radosgw'],
  ['/usr/bin/ceph', 'ceph-common'],
]

/**
 * One monitor, one store in memory, one gateway, nobody to authenticate but S3's users. The store must not tell the monitor about itself at its start: it does so before it
 * knows the cluster's id, now and then, and ends when it is refused.
 */
const settings = (folder: string, fsid: string, monitorPort: number): string => `[global]
fsid = ${fsid}
mon host = [v1:127.0.0.1:${monitorPort}]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind msgr2 = false
auth cluster required = none
auth service required = none
auth client required = none
osd objectstore = memstore
memstore device bytes = ${4 * GIB}
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
mon max pg per osd = 2000
mon allow pool size one = true
osd crush chooseleaf type = 0
osd crush update on start = false
osd class update on start = false
run dir = ${folder}
admin socket = ${folder}/$name.asok
pid file = ${folder}/$name.pid
log file = ${folder}/$name.log
crash dir = ${folder}
keyring = ${folder}/keyring
mon data = ${folder}/mon
osd data = ${folder}/osd
rgw data = ${folder}/rgw
`

/**
 * Ceph's object gateway (RADOS Gateway), out of Debian's packages, without a cluster of the system. Its data is in the memory of one process, so freeze, halt and resume
 * concern the gateway only, and what was stored stays.
 */
export class CephServer implements S3Server {
  readonly #folder: string
  readonly #processes: ServerProcess[]
  readonly #port: number
  #gateway: ServerProcess
  readonly credentials: ServerCredentials
  readonly endpoint: string

  private constructor(parts: {
    readonly folder: string
    readonly processes: ServerProcess[]
    readonly port: number
    readonly credentials: ServerCredentials
  }) {
    this.#folder = parts.folder
    this.#processes = parts.processes
    this.#port = parts.port
    this.credentials = parts.credentials
    this.endpoint = `http://127.0.0.1:${parts.port}`
    this.#gateway = this.#startGateway()
  }

  /** Starts one, and installs it when it is not there. */
  static async start(): Promise<CephServer> {
    for (const [path, packageName] of PROGRAMS) requireProgram(path, packageName)
    const folder = mkdtempSync(join(tmpdir(), 'poulsen-ceph-'))
    const processes: ServerProcess[] = []
    await startCluster(folder, processes)
    const credentials = await makeUser(folder)
    const server = new CephServer({ folder, processes, port: await freePort(), credentials })
    await untilAnswered(server.endpoint, credentials)
    return server
  }

  async bucket(): Promise<string> {
    return await makeBucket(this.endpoint, this.credentials)
  }

  /** Another user, who owns nothing. */
  async user(): Promise<ServerCredentials & { readonly name: string }> {
    return await makeUser(this.#folder)
  }

  freeze(): void {
    this.#gateway.freeze()
  }

  thaw(): void {
    this.#gateway.thaw()
  }

  async halt(): Promise<void> {
    await this.#gateway.stop()
  }

  async resume(): Promise<void> {
    this.#gateway = this.#startGateway()
    await untilAnswered(this.endpoint, this.credentials)
  }

  async stop(): Promise<void> {
    for (const each of [this.#gateway, ...this.#processes.toReversed()]) await each.stop()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #startGateway(): ServerProcess {
    const frontend = `--rgw-frontends=beast endpoint=127.0.0.1:${this.#port}`
    return new ServerProcess(this.#folder, 'radosgw', ['-f', ...conf(this.#folder), '-n', 'client.rgw.test', frontend])
  }
}

const conf = (folder: string): readonly string[] => ['--conf', join(folder, 'ceph.conf')]
const inFolder = async (folder: string, program: string, ...args: readonly string[]): Promise<string> =>
  (await run(program, [...args], { cwd: folder, timeout: COMMAND_MS })).stdout

const startCluster = async (folder: string, processes: ServerProcess[]): Promise<void> => {
  const [fsid, port] = [randomUUID(), await freePort()]
  writeFileSync(join(folder, 'ceph.conf'), settings(folder, fsid, port))
  for (const name of ['mon', 'osd', 'rgw']) mkdirSync(join(folder, name))
  const keys = ['--create-keyring', 'keyring', '--gen-key', '-n', 'mon.', '--cap', 'mon', 'allow *']
  await inFolder(folder, 'ceph-authtool', ...keys)
  await inFolder(folder, 'monmaptool', '--create', '--addv', 'a', `[v1:127.0.0.1:${port}]`, '--fsid', fsid, 'monmap')
  await inFolder(folder, 'ceph-mon', ...conf(folder), '--mkfs', '-i', 'a', '--monmap', 'monmap', '--keyring', 'keyring')
  processes.push(new ServerProcess(folder, 'ceph-mon', ['-f', ...conf(folder), '-i', 'a']))
  const osdId = randomUUID()
  // A monitor that has just begun refuses some who ask. Asked again, it is the same store.
  const known = () => inFolder(folder, 'ceph', ...conf(folder), 'osd', 'new', osdId, '0').catch(() => undefined)
  await waitFor(known, COMMAND_MS)
  const make = ['-i', '0', '--mkfs', '--osd-uuid', osdId, '--no-mon-config']
  await inFolder(folder, 'ceph-osd', ...conf(folder), ...make)
  processes.push(new ServerProcess(folder, 'ceph-osd', ['-f', ...conf(folder), '-i', '0']))
  await inFolder(folder, 'ceph', ...conf(folder), 'osd', 'crush', 'add', 'osd.0', '1.0', 'root=default', 'host=h')
}

const makeUser = async (folder: string): Promise<ServerCredentials & { readonly name: string }> => {
  const name = `u${randomBytes(4).toString('hex')}`
  const credentials = { accessKeyId: `K${name}`, secretAccessKey: randomBytes(20).toString('hex') }
  const keys = [`--access-key=${credentials.accessKeyId}`, `--secret-key=${credentials.secretAccessKey}`]
  const create = ['user', 'create', `--uid=${name}`, `--display-name=${name}`, ...keys]
  await inFolder(folder, 'radosgw-admin', ...conf(folder), ...create)
  return { name, ...credentials }
}
