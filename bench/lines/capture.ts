import { type Codec, capacityOf, ROUNDS } from '../capture-ramp.ts'
import type { Line } from '../line.ts'
import { placeCall } from '../place-call.ts'

const FIRST = 500
const CODECS: readonly Codec[] = ['PCMU', 'opus']

/** Capacity: two-leg calls on one core until the first packet is lost, against a bare sink; signalling, journal and group commit included. */
export const measureCapture = async (): Promise<readonly Line[]> => {
  const lines: Line[] = []
  for (const codec of CODECS) {
    lines.push(
      await capacityOf({
        work: `two-leg ${codec === 'PCMU' ? 'G.711' : 'Opus'} calls a core, journal and group commit on, 0 packets lost`,
        callsWanted: 500,
        ratioWanted: 0.5,
        codec,
        first: FIRST,
        rounds: ROUNDS,
        // A two-leg call is two SIP calls with a recording each.
        place: async (caller) => {
          const legs = [await placeCall(caller, codec), await placeCall(caller, codec)]
          return legs.every((leg) => leg) ? legs.flatMap((leg) => leg ?? []) : undefined
        },
      }),
    )
  }
  return lines
}
