import { getCACertificates } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CallOptions, CallTargetOptions } from '../../src/caller/call-options.ts'
import { type CompletedCall, placeCall } from '../../src/caller/place-call.ts'
import { cliOn } from '../integration/support/cli.ts'
import { waitFor } from '../support/wait-for.ts'
import { callWithBaresip } from './support/baresip.ts'
import { TestCertificate } from './support/certificate.ts'
import { complaintsOfCall } from './support/judge.ts'
import { LiveServer, type WireDetails } from './support/live-server.ts'
import { callWithSipp } from './support/sipp.ts'
import { mulawTone, purityOf } from './support/tone.ts'

const PACKET_MS = 20
const INSTALL_MS = 600_000
const live = new LiveServer()
beforeAll(() => live.start())
afterAll(() => live.dispose())

/** The final recording of the one caller whose From has this user. */
const finalFrom = async (user: string): Promise<WireDetails> => {
  const isFinal = ({ status }: WireDetails) => !['recording', 'paused'].includes(status)
  return waitFor(async () => {
    const all = await Promise.all((await live.list()).map(({ id }) => live.details(id)))
    return all.find((recording) => recording.call?.from.includes(`sip:${user}@`) && isFinal(recording))
  }, 15_000)
}

/** How much of a recording is this tone, 0 to 1. */
const purity = async (recording: WireDetails, frequencyHz: number): Promise<number> => {
  const { samples, sampleRateHz } = await live.audio(recording)
  return purityOf(samples, frequencyHz, sampleRateHz)
}

describe('SIPp', () => {
  it.concurrent.each([
    ['udp', 440, 21_000],
    ['tcp', 700, 21_100],
  ] as const)(
    'over %s: what it plays is what is recorded',
    { timeout: INSTALL_MS },
    async (transport, frequencyHz, rtpPort) => {
      const media = mulawTone({ frequencyHz, durationMs: 3000, sampleRateHz: 8000 })
      const { code, output, callId } = await callWithSipp({ port: live.sipPort(transport), transport, media, rtpPort })
      expect(code, output).toBe(0)
      const recording = await live.finalOf(callId)
      expect(recording).toMatchObject({ status: 'completed', duration_ms: 3000, codec: 'pcm_mulaw' })
      expect(recording.call?.end_reason).toBe('hangup')
      expect(recording.quality?.streams).toMatchObject([{ codec: 'PCMU', packets: 150, lost: 0, gap_count: 0 }])
      // Not a bit is changed.
      expect((await live.bytes(recording.url)).subarray(-media.length).equals(media)).toBe(true)
    },
  )
})

describe('baresip', () => {
  it.concurrent.each([
    ['PCMU', 'PCMU/8000/1', 8000, 500, 22_000],
    ['PCMA', 'PCMA/8000/1', 8000, 900, 22_100],
    ['G722', 'G722/16000/1', 16_000, 1300, 22_200],
    ['opus', 'opus/48000/2', 48_000, 1700, 22_300],
  ] as const)(
    'in %s: as long as it says that it sent, and the tone that it played',
    { timeout: INSTALL_MS },
    async (name, codec, sampleRateHz, frequencyHz, firstPort) => {
      const user = `phone-${name.toLowerCase()}`
      const uri = `sip:rec@127.0.0.1:${live.sipPort()}`
      const rtpPorts = [firstPort, firstPort + 98] as const
      const { packets = 0, output } = await callWithBaresip({
        uri,
        user,
        codec,
        sampleRateHz,
        frequencyHz,
        seconds: 4,
        rtpPorts,
      })
      expect(packets, output).toBeGreaterThan(100)
      const recording = await finalFrom(user)
      expect(recording.status).toBe('completed')
      expect(recording.quality?.streams).toMatchObject([{ codec: name, packets, lost: 0, strangers: 0, invalid: 0 }])
      expect(Math.abs(recording.duration_ms - packets * PACKET_MS), `${recording.duration_ms} ms`).toBeLessThanOrEqual(
        PACKET_MS,
      )
      expect(await purity(recording, frequencyHz)).toBeGreaterThan(0.9)
    },
  )
})

/** A call of ours that must be answered and end well. */
const callOn = async (options: CallTargetOptions & CallOptions): Promise<CompletedCall> => {
  const outcome = await placeCall(options)
  if (outcome.kind !== 'completed') throw new Error(JSON.stringify(outcome))
  return outcome
}

describe('SIP over TLS', () => {
  const certificate = new TestCertificate()
  const secure = new LiveServer({
    POULSEN_SIP_LISTEN: 'tls:127.0.0.1:0',
    POULSEN_TLS_CERT: certificate.certPath,
    POULSEN_TLS_KEY: certificate.keyPath,
  })
  beforeAll(async () => {
    certificate.make()
    await secure.start()
  }, INSTALL_MS)
  afterAll(async () => {
    await secure.dispose()
    certificate.dispose()
  })

  it('takes calls of who trusts its certificate, and nobody else can place one', async () => {
    const target = `sips:127.0.0.1:${secure.sipPort('tls')}`
    const certificateAuthority = certificate.pem
    const outcome = await callOn({ target, certificateAuthority, durationMs: 3000, seed: 21 })
    expect(await complaintsOfCall(secure, outcome)).toEqual([])
    const [other] = getCACertificates('bundled')
    await expect(placeCall({ target, certificateAuthority: other ?? '', durationMs: 100 })).rejects.toThrow(
      expect.objectContaining({ code: 'CALL_UNREACHABLE' }),
    )
    expect(await secure.list()).toHaveLength(1)
  })
})

describe('who may call', () => {
  const guarded = new LiveServer()
  const cli = cliOn(guarded.dataDir)
  const credentials = { username: 'pbx', password: 'open sesame' }
  /** Behind a trunk of its own, with a network and a password. */
  const guardedFrom = '127.0.0.77'
  const target = () => `sip:127.0.0.1:${guarded.sipPort()}`

  beforeAll(async () => {
    await guarded.start()
    const [first] = await cli.json<{ id: string }[]>('trunk', 'list')
    await cli.json('trunk', 'update', first?.id ?? '', '--network', '127.0.0.1')
    const proof = ['--username', credentials.username, '--password', credentials.password]
    await cli.json('trunk', 'create', '--name', 'pbx', '--leg-type', 'sip', '--network', guardedFrom, ...proof)
    // What the command line changed is seen by the server that runs, soon.
    await waitFor(async () => {
      const outcome = await placeCall({ target: target(), localAddress: guardedFrom, durationMs: 20 })
      return outcome.kind === 'failed' || undefined
    })
    for (const { id } of await guarded.list()) await guarded.remove(id)
  })
  afterAll(() => guarded.dispose())

  it.concurrent.each(['SHA-256', 'MD5'] as const)('is who proves it by Digest with %s', async (algorithm) => {
    const outcome = await callOn({
      target: target(),
      localAddress: guardedFrom,
      credentials: { ...credentials, algorithm },
      durationMs: 2500,
      seed: 31,
    })
    expect(await complaintsOfCall(guarded, outcome)).toEqual([])
    const { call } = await guarded.finalOf(outcome.callId)
    expect(call).toMatchObject({ call_id: outcome.callId, end_reason: 'hangup' })
  })

  it.concurrent.each([
    ['a wrong password', { ...credentials, password: 'open barley' }, 401],
    ['another name', { ...credentials, username: 'pbz' }, 401],
    ['no proof', undefined, 401],
  ] as const)('is nobody with %s', async (_what, wrong, status) => {
    const outcome = await placeCall({
      target: target(),
      localAddress: guardedFrom,
      durationMs: 100,
      ...(wrong && { credentials: wrong }),
    })
    expect(outcome).toMatchObject({ kind: 'failed', invite: { kind: 'refused', status } })
    expect((await guarded.list()).map(({ relay_sip_leg_id }) => relay_sip_leg_id)).not.toContain(outcome.callId)
  })

  it.concurrent('is nobody from an address that no trunk covers, with or without the password', async () => {
    for (const more of [{}, { credentials }]) {
      const outcome = await placeCall({ target: target(), localAddress: '127.0.0.99', durationMs: 100, ...more })
      expect(outcome).toMatchObject({ kind: 'failed', invite: { kind: 'refused', status: 403 } })
    }
  })
})
