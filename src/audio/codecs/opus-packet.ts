import { opusPacketSamples } from '../containers/opus-packet.ts'

/** The longest packet: 120 ms (RFC 6716 §3.2.5, R5). */
const TICKS_MAX = 5760

/** How long an Opus packet lasts in ticks of 48 kHz; undefined when it is none (RFC 6716 §3.4: empty, no frames, or longer than 120 ms). */
export const opusDurationTicks = (payload: Uint8Array): number | undefined => {
  const [toc, next = 0] = payload
  if (toc === undefined) return undefined
  const isCounted = (toc & 3) === 3
  if (isCounted && (payload.length < 2 || (next & 0x3f) === 0)) return undefined
  const ticks = opusPacketSamples(toc, next)
  return ticks > 0 && ticks <= TICKS_MAX ? ticks : undefined
}
