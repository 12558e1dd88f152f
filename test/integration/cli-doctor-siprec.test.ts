import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeCredentials, type RunningServer, startServer } from '../acceptance/support/server.ts'
import { useFolders } from './support/cli.ts'

interface Finding {
  readonly what: string
  readonly verdict: string
  readonly says: string
}

const cli = useFolders().cli()
let server: RunningServer
let address: string

beforeAll(async () => {
  server = await startServer(cli.dataDir, makeCredentials(), { POULSEN_SIP_LISTEN: 'udp:127.0.0.1:0' })
  address = /udp:(\S+?)[,\n]/.exec(server.output())?.[1] ?? ''
})
afterAll(async () => void (await server?.stop()))

/** What a session was found to be under one layout of the trunk. */
const findings = async (layout: string): Promise<readonly Finding[]> => {
  const [trunk] = await cli.json<{ id: string }[]>('trunk', 'list')
  await cli.json('trunk', 'update', trunk?.id ?? '', '--layout', layout)
  const ran = await cli.run('doctor', '--json', '--siprec', `sip:${address}`)
  expect([ran.code, ran.stderr], ran.stdout).toEqual([0, ''])
  return (JSON.parse(ran.stdout) as Finding[]).slice(5)
}

const COMPLETED = 'completed, (1.9[89]|2.0\\d) s'
const LAYOUTS = {
  stereo: [
    `^${COMPLETED}, found`,
    /^left and right are who they should be: worst onset error [\d.]+ ms, [\d.]+ ms apart$/,
  ],
  mono: [`^${COMPLETED}, found`, /^all voices are in the mix: worst onset error [\d.]+ ms$/],
  separate: [`^${COMPLETED}; ${COMPLETED}, found`, /^2 recordings, each of whom it should be$/],
} as const

describe('doctor --siprec', () => {
  it.each([
    'stereo',
    'mono',
    'separate',
  ] as const)('proves who is where in a recording that is %s, and leaves nothing behind', async (layout) => {
    const audioOf = async () => {
      const found = await findings(layout)
      expect(found.map(({ what }) => what)).toEqual(['session', 'recording', 'audio'])
      return found
    }
    // A running server obeys a changed trunk within five seconds.
    await expect.poll(async () => (await audioOf())[2]?.says, { timeout: 20_000 }).toMatch(LAYOUTS[layout][1])
    const [session, recording] = await audioOf()
    expect(session?.says).toMatch(/ answered in \d+ ms, 2 streams of PCMU; took 200 packets and hung up$/)
    expect(recording?.says).toMatch(new RegExp(LAYOUTS[layout][0]))
    expect(await cli.json('recording', 'list')).toEqual([])
  })

  it('says who is not there', async () => {
    const ran = await cli.run('doctor', '--json', '--siprec', 'sip:127.0.0.1:9;transport=tcp')
    expect(ran.code).toBe(1)
    expect((JSON.parse(ran.stdout) as Finding[]).slice(5)).toEqual([
      { what: 'session', verdict: 'fail', says: 'No tcp connection to 127.0.0.1 port 9.' },
    ])
  })
})
