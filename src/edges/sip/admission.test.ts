import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { aSipCore } from '../../../test/builders/sip-server.ts'
import { anOffer, type PeerCall } from '../../../test/fakes/sip-peer.ts'
import { headersOf, type SipResponse } from '../../protocol/sip/message.ts'
import { NONCE_LIFETIME_MS } from './nonces.ts'

const hashOf = (name: 'sha256' | 'md5', text: string): string => createHash(name).update(text).digest('hex')

const USERNAME = 'alice'
const credentialsOf = (password: string) => ({
  username: USERNAME,
  ha1Sha256: hashOf('sha256', `${USERNAME}:poulsen:${password}`),
  ha1Md5: hashOf('md5', `${USERNAME}:poulsen:${password}`),
})

const aGuarded = (networks: readonly string[] = []) =>
  aSipCore({ trunk: { networks, credentials: credentialsOf('right') } })

/** An answer to a challenge, worked out as RFC 7616 §3.4.1 says. */
const authorize = (
  nonce: string,
  parts: {
    algorithm?: 'SHA-256' | 'MD5'
    password?: string
    count?: string
    hasQop?: boolean
    method?: string
    username?: string
  } = {},
): readonly [string, string] => {
  const { algorithm = 'SHA-256', password = 'right', count = '00000001', hasQop = true, method = 'INVITE' } = parts
  const name = algorithm === 'MD5' ? 'md5' : 'sha256'
  const username = parts.username ?? USERNAME
  const ha1 = hashOf(name, `${username}:poulsen:${password}`)
  const ha2 = hashOf(name, `${method}:sip:rec@192.0.2.1`)
  const middle = hasQop ? `${nonce}:${count}:c1:auth` : nonce
  const response = hashOf(name, `${ha1}:${middle}:${ha2}`)
  const qop = hasQop ? `, qop=auth, nc=${count}, cnonce="c1"` : ''
  const value = `Digest username="${username}", realm="poulsen", nonce="${nonce}", uri="sip:rec@192.0.2.1", response="${response}", algorithm=${algorithm}${qop}`
  return ['Authorization', value]
}

const challengesOf = (response: SipResponse | undefined): readonly string[] =>
  headersOf(response ?? { headers: [] }, 'WWW-Authenticate')
const nonceOf = (response: SipResponse | undefined): string =>
  /nonce="([^"]+)"/.exec(challengesOf(response)[0] ?? '')?.[1] ?? ''

const invite = async (
  server: ReturnType<typeof aSipCore>,
  call: PeerCall,
  ...headers: readonly (readonly [string, string])[]
): Promise<SipResponse | undefined> => {
  const branch = call.invite({ headers })
  await server.timers.advance(0)
  const final = call.finalOf(branch)
  if ((final?.status ?? 0) >= 300) call.ack()
  return final
}

describe('a trunk with credentials (RFC 3261 §22, RFC 8760)', () => {
  it('is challenged by SHA-256 first, then MD5, with one nonce, and nothing is remembered', async () => {
    const server = aGuarded()
    const refusal = await invite(server, server.aCall())
    expect(refusal?.status).toBe(401)
    const nonce = nonceOf(refusal)
    expect(challengesOf(refusal)).toEqual([
      `Digest realm="poulsen", nonce="${nonce}", algorithm=SHA-256, qop="auth"`,
      `Digest realm="poulsen", nonce="${nonce}", algorithm=MD5, qop="auth"`,
    ])
    expect([server.core.transactionCount, server.timers.pendingCount]).toEqual([0, 0])
    expect([server.telemetry.strangers, server.telemetry.reports]).toEqual([[], []])
  })

  it.each([
    { algorithm: 'SHA-256' },
    { algorithm: 'MD5' },
    { algorithm: 'MD5', hasQop: false },
  ] as const)('comes in with the right password: %j', async (parts) => {
    const server = aGuarded()
    const call = server.aCall()
    const nonce = nonceOf(await invite(server, call))
    expect((await invite(server, call, authorize(nonce, parts)))?.status).toBe(200)
    expect(server.recorder.calls[0]?.request.trunkId).toBe(server.trunk.id)
  })

  it.each([
    { password: 'wrong' },
    { username: 'bob' },
    { method: 'OPTIONS' },
    { algorithm: 'MD5', password: 'wrong' },
  ] as const)('stays out with %j, and is counted', async (parts) => {
    const server = aGuarded()
    const call = server.aCall()
    const nonce = nonceOf(await invite(server, call))
    const refusal = await invite(server, call, authorize(nonce, parts))
    expect(refusal?.status).toBe(401)
    expect(challengesOf(refusal)[0]).not.toContain('stale')
    expect(server.telemetry.strangers).toEqual(['credentials'])
  })

  it.each([
    'Digest nonsense',
    'Basic YTpi',
    'Digest username="alice", realm="other", nonce="x", uri="sip:a@b", response="y"',
    'Digest username="alice", realm="poulsen", nonce="x", uri="sip:a@b", response="", algorithm=SHA-512-256',
    'Digest username="alice", realm="poulsen", nonce="x", uri="sip:a@b", response="y", qop=auth-int, nc=1, cnonce="c"',
  ])('stays out with what proves nothing: %s', async (value) => {
    const server = aGuarded()
    expect((await invite(server, server.aCall(), ['Authorization', value]))?.status).toBe(401)
  })

  it('may use a nonce again with a higher count, never with the same', async () => {
    const server = aGuarded()
    const call = server.aCall()
    const nonce = nonceOf(await invite(server, call))
    const with1 = authorize(nonce)
    expect((await invite(server, call, with1))?.status).toBe(200)
    const replayed = await invite(server, server.aCall(), with1)
    expect(replayed?.status).toBe(401)
    expect(challengesOf(replayed)[0]).toContain('stale=true')
    expect((await invite(server, server.aCall(), authorize(nonce, { count: '00000002' })))?.status).toBe(200)
    expect(server.telemetry.strangers).toEqual([])
  })

  it('is told that its nonce is stale when only that is wrong', async () => {
    const server = aGuarded()
    const call = server.aCall()
    const nonce = nonceOf(await invite(server, call))
    await server.timers.advance(NONCE_LIFETIME_MS + 1)
    const refusal = await invite(server, call, authorize(nonce))
    expect(refusal?.status).toBe(401)
    expect(challengesOf(refusal).every((each) => each.endsWith('stale=true'))).toBe(true)
    expect((await invite(server, call, authorize(nonceOf(refusal))))?.status).toBe(200)
  })

  it('is asked for it beside its network when it has both, and strangers are not', async () => {
    const server = aGuarded(['192.0.2.10'])
    const call = server.aCall()
    const nonce = nonceOf(await invite(server, call))
    expect((await invite(server, call, authorize(nonce)))?.status).toBe(200)
    const stranger = server.aCall(server.flowOf('UDP', '198.51.100.7'))
    expect((await invite(server, stranger, authorize(nonce, { count: '00000002' })))?.status).toBe(403)
    expect(server.telemetry.strangers).toEqual(['network'])
  })

  it('is not asked again within its calls', async () => {
    const server = aGuarded()
    const call = server.aCall()
    const nonce = nonceOf(await invite(server, call))
    await invite(server, call, authorize(nonce))
    call.learn()
    call.ack()
    const update = call.send('UPDATE', { headers: [['Content-Type', 'application/sdp']], body: anOffer() })
    await server.timers.advance(0)
    const branches = [update, call.send('BYE')]
    await server.timers.advance(0)
    expect(branches.map((branch) => call.statusesOf(branch))).toEqual([[200], [200]])
  })

  it('leaves neither name nor password in what is reported', async () => {
    const server = aGuarded()
    const call = server.aCall()
    const nonce = nonceOf(await invite(server, call))
    await invite(server, call, authorize(nonce))
    call.learn()
    call.ack()
    call.send('BYE')
    await server.timers.advance(0)
    const said = JSON.stringify(server.telemetry)
    expect(server.telemetry.reports.length).toBe(1)
    for (const secret of [USERNAME, nonce, 'Digest']) expect(said).not.toContain(secret)
  })
})

describe('a trunk with certificates', () => {
  const [ours, theirs] = ['aa'.repeat(32), 'bb'.repeat(32)]
  const from = (server: ReturnType<typeof aSipCore>, certificate?: string) => {
    const flow = server.flowOf('TLS')
    flow.peerCertificate = certificate
    return server.aCall(flow)
  }

  it('takes who has one, and refuses others without a challenge', async () => {
    const server = aSipCore({ trunk: { certificates: [ours] } })
    expect((await invite(server, from(server, ours)))?.status).toBe(200)
    for (const stranger of [theirs, undefined]) {
      const refusal = await invite(server, from(server, stranger))
      expect([refusal?.status, challengesOf(refusal)]).toEqual([403, []])
    }
    expect(server.telemetry.strangers).toEqual(['credentials', 'credentials'])
    expect(server.recorder.calls).toHaveLength(1)
  })

  it('answers OPTIONS of who has one only', async () => {
    const server = aSipCore({ trunk: { networks: [], certificates: [ours] } })
    const statuses = []
    for (const each of [ours, theirs, undefined]) {
      const call = from(server, each)
      const branch = call.send('OPTIONS')
      await server.timers.advance(0)
      statuses.push(call.finalOf(branch)?.status)
    }
    expect(statuses).toEqual([200, 403, 403])
    expect(server.telemetry.strangers).toEqual(['credentials', 'network'])
  })

  it('asks for the password beside it when it has both', async () => {
    const server = aSipCore({ trunk: { networks: [], certificates: [ours], credentials: credentialsOf('right') } })
    const call = from(server, ours)
    const nonce = nonceOf(await invite(server, call))
    const stranger = from(server, theirs)
    expect((await invite(server, stranger, authorize(nonce)))?.status).toBe(403)
    expect((await invite(server, call, authorize(nonce)))?.status).toBe(200)
    expect(server.telemetry.strangers).toEqual(['credentials'])
  })
})
