import type { SrtpSuite } from '../../src/audio/srtp/srtp-key.ts'
import { type Codec, capacityOf, ROUNDS } from '../capture-ramp.ts'
import type { Line } from '../line.ts'
import { placeSession } from '../place-session.ts'

interface Kind {
  readonly name: string
  readonly codec: Codec
  readonly suite?: SrtpSuite
  readonly callsWanted: number
  readonly first: number
}

const KINDS: readonly Kind[] = [
  { name: 'G.711', codec: 'PCMU', callsWanted: 500, first: 400 },
  {
    name: 'G.711, SRTP (AES-CM, 80 bit)',
    codec: 'PCMU',
    suite: 'AES_CM_128_HMAC_SHA1_80',
    callsWanted: 250,
    first: 200,
  },
  { name: 'G.711, SRTP (AES-GCM, 256 bit)', codec: 'PCMU', suite: 'AEAD_AES_256_GCM', callsWanted: 250, first: 200 },
]

/** Capacity: SIPREC sessions of two streams, each one stereo recording, on one core until the first packet is lost. */
export const measureSessions = async (): Promise<readonly Line[]> => {
  const lines: Line[] = []
  for (const { name, codec, suite, callsWanted, first } of KINDS) {
    lines.push(
      await capacityOf({
        work: `SIPREC sessions a core, ${name}, stereo, journal and group commit on, 0 packets lost`,
        callsWanted,
        codec,
        first,
        rounds: ROUNDS,
        place: async (caller) => {
          const session = await placeSession(caller, codec, suite)
          return session && [session]
        },
      }),
    )
  }
  return lines
}
