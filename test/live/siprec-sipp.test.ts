import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { TestCertificate } from './support/certificate.ts'
import { bestShareOf, decodeChannels } from './support/channels.ts'
import { LiveServer } from './support/live-server.ts'
import { callWithSipp } from './support/sipp.ts'
import { openTlsRelay } from './support/tls-relay.ts'
import { mulawTone } from './support/tone.ts'

const INSTALL_MS = 600_000
const TONE_HZ = 700
const certificate = new TestCertificate()
const live = new LiveServer({
  POULSEN_SIP_LISTEN: 'udp:127.0.0.1:0,tcp:127.0.0.1:0,tls:127.0.0.1:0',
  POULSEN_TLS_CERT: certificate.certPath,
  POULSEN_TLS_KEY: certificate.keyPath,
})

beforeAll(async () => {
  certificate.make()
  await live.start()
}, INSTALL_MS)
afterAll(async () => {
  await live.dispose()
  certificate.dispose()
})

/** Where SIPp sends to, and the way there: a relay for TLS, which its Debian build does not speak. */
const wayTo = async (transport: 'udp' | 'tcp' | 'tls') => {
  if (transport !== 'tls') return { port: live.sipPort(transport), transport, close: () => {} }
  return { ...(await openTlsRelay(live.sipPort('tls'), certificate.certPath)), transport: 'tcp' as const }
}

it.each([
  ['udp', 24_000],
  ['tcp', 24_100],
  ['tls', 24_200],
] as const)(
  'a recording session of SIPp over %s: two streams are answered, the first is heard on the left',
  { timeout: INSTALL_MS },
  async (transport, rtpPort) => {
    const media = mulawTone({ frequencyHz: TONE_HZ, durationMs: 2000, sampleRateHz: 8000 })
    const sessionId = randomUUID()
    const keys = {
      session_id: Buffer.from(sessionId.replaceAll('-', ''), 'hex').toString('base64'),
      second_port: `${rtpPort + 50}`,
    }
    const way = await wayTo(transport)
    const { code, output, callId } = await callWithSipp({ ...way, media, rtpPort, scenario: 'siprec', keys })
    way.close()
    expect(code, output).toBe(0)
    const recording = await live.finalOf(sessionId)
    expect(recording).toMatchObject({ status: 'completed', stereo: true, track: 'both', call: { call_id: callId } })
    expect(recording.quality?.streams).toMatchObject([
      { label: '1', packets: 100, lost: 0 },
      { label: '2', packets: 0 },
    ])
    const { channels, sampleRateHz } = await decodeChannels(await live.bytes(recording.url))
    const [left = new Float32Array(1), right = new Float32Array(1)] = channels
    expect(channels.length).toBe(2)
    // SIPp keeps time as well as its machine lets it, and streams of one file follow the clocks of their senders.
    expect(Math.abs(left.length / sampleRateHz - 2)).toBeLessThanOrEqual(0.1)
    expect(bestShareOf(left, TONE_HZ, sampleRateHz)).toBeGreaterThan(0.9)
    expect(right.every((sample) => sample === 0)).toBe(true)
  },
)
