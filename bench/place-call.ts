import { callerCodecs } from '../src/caller/caller-codecs.ts'
import type { SipCaller } from '../src/caller/sip-caller.ts'
import type { Codec, Placed } from './capture-ramp.ts'

/** One SIP call without media of its own; undefined when it is refused, as it may be while capture lags. */
export const placeCall = async (caller: SipCaller, codec: Codec): Promise<Placed | undefined> => {
  const media = {
    address: '127.0.0.1',
    rtpPort: 9,
    rtcpPort: 9,
    isMultiplexed: false,
    codecs: callerCodecs([codec]),
    frameMs: 20,
  }
  const outcome = await caller.invite({ media })
  if (outcome.kind === 'refused') return undefined
  if (outcome.kind !== 'answered') throw new Error(`a call was not answered: ${JSON.stringify(outcome)}`)
  return { call: outcome.call, ports: [outcome.remote.rtpPort] }
}
