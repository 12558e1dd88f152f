import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { type ConnectionOptions, type SecureVersion, connect as tlsConnect } from 'node:tls'
import { afterEach, describe, expect, it } from 'vitest'
import { answerChallenge } from '../../src/caller/digest-answer.ts'
import type { Trunk } from '../../src/domain/trunk.ts'
import { SipServer } from '../../src/edges/sip/sip-server.ts'
import { systemTimers } from '../../src/edges/sip/timers.ts'
import { headersOf, type SipResponse } from '../../src/protocol/sip/message.ts'
import { aTrunk, NotedSipTelemetry, trunkSource } from '../builders/sip-server.ts'
import { aProject } from '../builders/values.ts'
import { FakeCallRecorder } from '../fakes/fake-call-recorder.ts'
import type { PeerCall } from '../fakes/sip-peer.ts'
import { type Certificate, selfSigned } from '../support/self-signed.ts'
import { waitFor } from '../support/wait-for.ts'
import { openStream, type WireClient } from './support/sip-wire.ts'

const DAY_MS = 86_400_000
const HOST = '127.0.0.1'
const VERSIONS: readonly SecureVersion[] = ['TLSv1.2', 'TLSv1.3']
const inDays = (days: number): Date => new Date(Date.now() + days * DAY_MS)
const pem = ({ cert, key }: Certificate) => ({ cert: Buffer.from(cert), key: Buffer.from(key) })

const server = selfSigned({ name: 'server' })
const [ours, theirs] = [selfSigned({ name: 'ours' }), selfSigned({ name: 'theirs' })]

const opened: { close(): unknown }[] = []
afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await each.close()
})

const start = async (parts: Partial<Trunk>) => {
  const project = aProject()
  const trunk = aTrunk(project.id, { networks: [], certificates: [ours.fingerprint], ...parts })
  const [recorder, telemetry] = [new FakeCallRecorder(), new NotedSipTelemetry()]
  let aheadMs = 0
  const sip = new SipServer({
    listen: (['tls', 'tcp'] as const).map((transport) => ({ transport, host: HOST, port: 0 })),
    recorder,
    telemetry,
    tls: pem(server),
    trunks: trunkSource([trunk], [project]),
    timers: { ...systemTimers, nowMs: () => Date.now() + aheadMs },
  })
  const [tls, tcp] = await sip.start()
  opened.push({ close: () => sip.stop() })
  const dial = async (options: ConnectionOptions = {}): Promise<WireClient> => {
    const client = await openStream('TLS', { address: HOST, port: tls?.port ?? 0 }, options)
    opened.push(client)
    return client
  }
  const dialTcp = async (): Promise<WireClient> => {
    const client = await openStream('TCP', { address: HOST, port: tcp?.port ?? 0 })
    opened.push(client)
    return client
  }
  const advance = (ms: number) => {
    aheadMs += ms
  }
  return { sip, trunk, recorder, telemetry, port: tls?.port ?? 0, dial, dialTcp, advance }
}

const invite = async (call: PeerCall, authorization?: string): Promise<SipResponse> => {
  const headers = authorization === undefined ? [] : [['Authorization', authorization] as const]
  const branch = call.invite({ headers })
  const final = await waitFor(() => call.finalOf(branch))
  if (final.status < 300) call.learn()
  call.ack()
  return final
}

const statusFor = async (client: WireClient): Promise<number> => (await invite(client.aCall())).status

const proof = (challenge: SipResponse, password: string): string => {
  const request = { method: 'INVITE', uri: 'sip:rec@192.0.2.1' }
  const answer = answerChallenge(headersOf(challenge, 'WWW-Authenticate'), request, { username: 'src', password })
  if (answer === undefined) throw new Error('there was no challenge')
  return answer
}

const hashed = (algorithm: string) => createHash(algorithm).update('src:poulsen:right').digest('hex')
const CREDENTIALS = { username: 'src', ha1Sha256: hashed('sha256'), ha1Md5: hashed('md5') }

/** What a client keeps of a connection to shorten the next handshake. */
const sessionOf = async (port: number, certificate: Certificate, maxVersion: SecureVersion): Promise<Buffer> => {
  const socket = tlsConnect({ host: HOST, port, ...pem(certificate), maxVersion, rejectUnauthorized: false })
  const [session] = (await once(socket, 'session')) as [Buffer]
  socket.destroy()
  return session
}

describe('a trunk that is known by its certificate', () => {
  it.each(VERSIONS)('takes calls of who has it, and of nobody else, over %s', async (version) => {
    const { dial, dialTcp, recorder, trunk, telemetry } = await start({})
    const versions = { minVersion: version, maxVersion: version }
    const outcomes = [
      await statusFor(await dial({ ...pem(ours), ...versions })),
      await statusFor(await dial({ ...pem(theirs), ...versions })),
      await statusFor(await dial(versions)),
      await statusFor(await dialTcp()),
    ]
    expect(outcomes).toEqual([200, 403, 403, 403])
    expect(recorder.calls.map(({ request }) => request.trunkId)).toEqual([trunk.id])
    expect(telemetry.strangers).toEqual(['credentials', 'network', 'network'])
  })

  it('wants it beside a network', async () => {
    const inside = await start({ networks: ['127.0.0.0/8'] })
    expect(await statusFor(await inside.dial(pem(ours)))).toBe(200)
    expect(await statusFor(await inside.dial())).toBe(403)
    expect(inside.telemetry.strangers).toEqual(['credentials'])
    const outside = await start({ networks: ['192.0.2.0/24'] })
    expect(await statusFor(await outside.dial(pem(ours)))).toBe(403)
  })

  it('wants it beside a password', async () => {
    const { dial, recorder, telemetry } = await start({ credentials: CREDENTIALS })
    const call = (await dial(pem(ours))).aCall()
    const challenge = await invite(call)
    expect(challenge.status).toBe(401)
    for (const other of [await dial(pem(theirs)), await dial()])
      expect((await invite(other.aCall(), proof(challenge, 'right'))).status).toBe(403)
    expect((await invite(call, proof(challenge, 'wrong'))).status).toBe(401)
    expect((await invite(call, proof(challenge, 'right'))).status).toBe(200)
    expect(recorder.calls).toHaveLength(1)
    expect(telemetry.strangers).toEqual(['credentials', 'network', 'credentials'])
  })

  it.each([
    ['has expired', -2, -1],
    ['is not valid yet', 1, 2],
  ])('does not take one that %s', async (_what, from, to) => {
    const certificate = selfSigned({ validFrom: inDays(from), validTo: inDays(to) })
    const { dial, recorder } = await start({ networks: ['127.0.0.0/8'], certificates: [certificate.fingerprint] })
    expect(await statusFor(await dial(pem(certificate)))).toBe(403)
    expect(recorder.calls).toEqual([])
  })

  it('does not take one that expires while its connection lives; the call on it goes on', async () => {
    const { dial, advance } = await start({})
    const client = await dial(pem(ours))
    const running = client.aCall()
    expect((await invite(running)).status).toBe(200)
    advance(2 * DAY_MS)
    expect(await statusFor(client)).toBe(403)
    const bye = running.send('BYE')
    expect((await waitFor(() => running.finalOf(bye))).status).toBe(200)
  })

  it.each(VERSIONS)('is known again when its session is resumed over %s', async (version) => {
    const { dial, port } = await start({})
    for (const [certificate, status] of [[ours, 200] as const, [theirs, 403] as const]) {
      const session = await sessionOf(port, certificate, version)
      const client = await dial({ ...pem(certificate), session, maxVersion: version })
      expect([client.isResumed, await statusFor(client)]).toEqual([true, status])
    }
  })

  it('is known after the server has another certificate, which new connections see', async () => {
    const { sip, dial, port } = await start({})
    const before = await dial(pem(ours))
    const renewed = selfSigned({ name: 'renewed' })
    sip.setCertificate(pem(renewed))
    const shown = tlsConnect({ host: HOST, port, rejectUnauthorized: false })
    await once(shown, 'secureConnect')
    expect(shown.getPeerX509Certificate()?.subject).toBe('CN=renewed')
    shown.destroy()
    expect(await statusFor(before)).toBe(200)
    expect(await statusFor(await dial(pem(ours)))).toBe(200)
    expect(await statusFor(await dial())).toBe(403)
  })
})

describe('TLS', () => {
  it.each(['TLSv1', 'TLSv1.1'] as const)('is not spoken in version %s, also after a reload', async (version) => {
    const { sip, dial } = await start({})
    const old = { minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' }
    await expect(dial(old)).rejects.toMatchObject({ code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' })
    sip.setCertificate(pem(server))
    await expect(dial(old)).rejects.toMatchObject({ code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' })
  })
})
