import { setTimeout as delay } from 'node:timers/promises'
import { callerCodecs } from '../src/caller/caller-codecs.ts'
import { loopedFrames } from '../src/caller/frame-source.ts'
import { openFrameSource } from '../src/caller/open-frame-source.ts'
import { Pacer } from '../src/caller/pacer.ts'
import { planTones } from '../src/caller/tones.ts'
import { type Publishing, publish } from '../src/caller/whip-publisher.ts'

/**
 * `node publish-load.ts URL TOKEN SESSIONS SECONDS`: publishes so many WebRTC sessions, says `running`, sends for so long, says how many packets it sent, and takes leave. A process of
 * its own, so that it can be given another core than what it loads.
 */
const [url = '', token = '', sessions = '0', seconds = '0'] = process.argv.slice(2)
const PLACED_AT_ONCE = 5
const LOOPED_FRAMES = 50
/** Longer than anybody measures. */
const DURATION_MS = 3_600_000

const [codec] = callerCodecs(['opus'])
if (!codec) throw new Error('no Opus')
// A loop of packets is no sound, but as many bytes as one: decoding is not measured here.
const frames = loopedFrames(await openFrameSource(codec, planTones({ durationMs: 1_000 }), 20), LOOPED_FRAMES)
const pacer = new Pacer()
const placed: Publishing[] = []
let left = Number(sessions)
const placeSome = async (): Promise<void> => {
  while (left-- > 0) {
    const started = await publish({ url, token, tracks: [{ durationMs: DURATION_MS, frames, seed: left + 1 }] }, pacer)
    if ('status' in started) throw new Error(`${started.status} ${started.body}`)
    placed.push(started)
  }
}
await Promise.all(Array.from({ length: PLACED_AT_ONCE }, placeSome))
process.stdout.write('running\n')
await delay(Number(seconds) * 1000)
const packets = placed.flatMap((each) => each.reports()).reduce((sum, report) => sum + report.packets, 0)
process.stdout.write(`sent about ${packets}\n`)
await Promise.all(placed.map((each) => each.unpublish()))
const sent = placed.flatMap((each) => each.reports()).reduce((sum, report) => sum + report.packets, 0)
process.stdout.write(`sent ${sent}\n`)
process.exit(0)
