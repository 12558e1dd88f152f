import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { requireProgram } from '../acceptance/support/debian.ts'
import { makeCredentials, type RunningServer, startServer } from '../acceptance/support/server.ts'
import { useFolders } from './support/cli.ts'

interface Finding {
  readonly what: string
  readonly verdict: string
  readonly says: string
}

const folders = useFolders()
const cli = folders.cli()
let server: RunningServer
let sip: Readonly<Record<'udp' | 'tcp', string>>

beforeAll(async () => {
  server = await startServer(cli.dataDir, makeCredentials(), { POULSEN_SIP_LISTEN: 'udp:127.0.0.1:0,tcp:127.0.0.1:0' })
  const addressOf = (transport: string) => new RegExp(`${transport}:(\\S+?)[,\\n]`).exec(server.output())?.[1] ?? ''
  sip = { udp: addressOf('udp'), tcp: addressOf('tcp') }
})
afterAll(async () => void (await server?.stop()))

const call = async (code: number, ...args: string[]): Promise<readonly Finding[]> => {
  const ran = await cli.run('doctor', '--json', '--call', ...args)
  expect([ran.code, ran.stderr], ran.stdout).toEqual([code, ''])
  return (JSON.parse(ran.stdout) as Finding[]).slice(5)
}

const WELL = [
  {
    what: 'call',
    verdict: 'ok',
    says: expect.stringMatching(/ answered in \d+ ms, PCMU; took 100 packets and hung up$/),
  },
  {
    what: 'recording',
    verdict: 'ok',
    says: expect.stringMatching(/^completed, (1.9[89]|2.0[012]) s, found by its leg id \d+ ms after the hang-up$/),
  },
  {
    what: 'audio',
    verdict: 'ok',
    says: expect.stringMatching(/^the tones are where they were sent: worst onset error [\d.]+ ms$/),
  },
]

describe('doctor --call', () => {
  it.each([
    'udp',
    'tcp',
  ] as const)('calls over %s, finds the recording and its audio, and leaves nothing behind', async (transport) => {
    const uri = `sip:${sip[transport]};transport=${transport}`
    expect(await call(0, uri)).toEqual(WELL)
    expect(await cli.json('recording', 'list')).toEqual([])
  })

  it('takes the address from SIP_LISTEN when it is given none', async () => {
    const environment = { POULSEN_SIP_LISTEN: `tcp:${sip.tcp}` }
    const { code, stdout } = await cli.runWith(environment, 'doctor', '--call')
    expect(code, stdout).toBe(0)
    expect(stdout).toContain(`sip:${sip.tcp};transport=tcp answered in`)
    const none = await cli.runWith({ POULSEN_SIP_LISTEN: 'none' }, 'doctor', '--call')
    expect(none.code).toBe(1)
    expect(none.stdout).toMatch(/^fail +call +SIP_LISTEN is none: no calls are taken$/m)
  })

  it('says who is not there, what is no address, and which trunk is missing', async () => {
    const port = Number(sip.tcp.split(':')[1])
    expect(await call(1, 'sip:127.0.0.1:9;transport=tcp')).toEqual([
      { what: 'call', verdict: 'fail', says: 'No tcp connection to 127.0.0.1 port 9.' },
    ])
    expect(await call(1, 'sip:example.com')).toEqual([
      { what: 'call', verdict: 'fail', says: expect.stringMatching(/^A call goes to one IP address/) },
    ])
    const elsewhere = folders.cli()
    await elsewhere.json('project', 'create')
    const other = await elsewhere.run('doctor', '--json', '--call', `sip:127.0.0.1:${port};transport=tcp`)
    expect(other.code).toBe(1)
    expect(other.stdout).toMatch(
      /no recording with the leg id [0-9a-f-]{36}; does this server have another data folder\?/,
    )
    for (const { id } of await cli.json<{ id: string }[]>('recording', 'list'))
      await cli.json('recording', 'delete', id)
    for (const { id } of await cli.json<{ id: string }[]>('trunk', 'list')) await cli.json('trunk', 'delete', id)
    await expect
      .poll(async () => (await call(1, `sip:${sip.tcp};transport=tcp`))[0]?.says, { timeout: 20_000 })
      .toMatch(/403 .*: no trunk covers this address; see `poulsen trunk list`$/)
  })
})

describe('doctor --call over TLS and IPv6', () => {
  const other = folders.cli()
  let tlsServer: RunningServer
  beforeAll(async () => {
    const openssl = requireProgram('/usr/bin/openssl', 'openssl')
    const [cert, key] = ['cert', 'key'].map((name) => join(folders.fresh(), name)) as [string, string]
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key, '-out', cert]
    execFileSync(openssl, ['req', '-x509', '-days', '2', ...kind, '-subj', '/CN=poulsen'], { stdio: 'pipe' })
    tlsServer = await startServer(other.dataDir, makeCredentials(), {
      POULSEN_SIP_LISTEN: 'tls:127.0.0.1:0,udp:[::1]:0,tcp:[::1]:0',
      POULSEN_TLS_CERT: cert,
      POULSEN_TLS_KEY: key,
    })
  }, 300_000)
  afterAll(async () => void (await tlsServer?.stop()))

  it.each(['tls', 'udp', 'tcp'])('works over %s', async (transport) => {
    const address = new RegExp(`${transport}:(\\S+?)[,\\n]`).exec(tlsServer.output())?.[1]
    const ran = await other.run('doctor', '--json', '--call', `sip:${address};transport=${transport}`)
    expect([ran.code, ran.stderr], ran.stdout).toEqual([0, ''])
    expect((JSON.parse(ran.stdout) as Finding[]).slice(5)).toEqual(WELL)
  })
})
