import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { waitFor } from '../support/wait-for.ts'
import { callWithBaresip } from './support/baresip.ts'
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
