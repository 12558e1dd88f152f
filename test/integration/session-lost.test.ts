import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CallGenerator } from '../../src/caller/place-call.ts'
import type { CapturePool } from '../../src/capture/capture-pool.ts'
import { openServices } from '../../src/compose.ts'
import { prepareCapture } from '../../src/compose-capture.ts'
import type { Recording } from '../../src/domain/recording.ts'
import { SipServer } from '../../src/edges/sip/sip-server.ts'
import { readConfig } from '../../src/ops/config.ts'
import type { Services } from '../../src/services/services.ts'
import { aTrunk, NotedSipTelemetry, trunkSource } from '../builders/sip-server.ts'
import { aProject } from '../builders/values.ts'
import { FakeTimers } from '../fakes/fake-timers.ts'
import { complaintsOfBeginning } from '../live/support/judge.ts'
import { decodeFirstChannel } from '../live/support/live-server.ts'
import { waitFor } from '../support/wait-for.ts'

/** The shortest session there is (RFC 4028 §4), and a third of it before its end, when who waits for a refresh hangs up (§10). */
const SESSION_SECONDS = 90
const GIVEN_UP_AFTER_MS = 60_000
const HEARD_MS = 2_000
/** Sent between the end of the recording and the BYE that tells the caller. */
const UNRECORDED_MAX_MS = 200

const folder = mkdtempSync(join(tmpdir(), 'poulsen-session-'))
const project = aProject()
/** Signalling's own time; media takes that of the world. */
const timers = new FakeTimers(Date.now())
const telemetry = new NotedSipTelemetry()
const troubles: unknown[] = []
let services: Services
let capture: CapturePool
let sip: SipServer
let generator: CallGenerator

const openCapture = async () => {
  const workersAndPorts = { POULSEN_CAPTURE_WORKERS: '1', POULSEN_RTP_PORTS: '43000-43099' }
  const config = readConfig({}, { POULSEN_DATA_DIR: folder, ...workersAndPorts })
  const silent = { captureEnded() {}, captureRefused() {}, captureRecovered() {}, captureWorker() {} }
  const prepared = await prepareCapture(config, { telemetry: silent, onTrouble: (error) => troubles.push(error) })
  services = await openServices(config, {
    openCapture: (ports) => {
      capture = prepared(ports)
      return capture
    },
  })
  await services.catalogue.createProject(project)
  await capture.start()
}

beforeAll(async () => {
  await openCapture()
  const trunk = aTrunk(project.id, { networks: ['127.0.0.0/8'] })
  const listen = [{ transport: 'udp', host: '127.0.0.1', port: 0 }] as const
  sip = new SipServer({ listen, recorder: capture, trunks: trunkSource([trunk], [project]), telemetry, timers })
  const [bound] = await sip.start()
  generator = await CallGenerator.open({ target: `sip:127.0.0.1:${bound?.port}` })
})

afterAll(async () => {
  generator?.close()
  // A call that still runs after a failure waits for signalling's own time.
  await Promise.all([sip?.stop(), timers.advance(4 * GIVEN_UP_AFTER_MS)])
  await capture?.close()
  await services?.close()
  rmSync(folder, { recursive: true, force: true })
})

const rowOf = async (callId: string): Promise<Recording | undefined> =>
  (await services.catalogue.listRecordings(project.id, { limit: 10 })).items.find(({ leg }) => leg.id === callId)

/** What a listener gets of a recording now. */
const play = async (recording: Recording) => {
  const { byteSize, read } = await services.playback.open(recording, recording.media?.format ?? 'wav')
  const chunks: Uint8Array[] = []
  for await (const chunk of await read({ startBytes: 0, endBytes: byteSize }, AbortSignal.timeout(5_000)))
    chunks.push(chunk)
  return decodeFirstChannel(Buffer.concat(chunks))
}

const lengthMs = ({ samples, sampleRateHz }: Awaited<ReturnType<typeof play>>) => (samples.length / sampleRateHz) * 1000

describe('a session that nobody refreshes', () => {
  it.each(['PCMU', 'G722'])('is hung up in time, and recorded until then: %s', async (codec) => {
    const started = await generator.start({
      durationMs: 60_000,
      seed: 90,
      codecs: [codec],
      sessionExpiresSeconds: SESSION_SECONDS,
      refreshes: false,
    })
    if (started.kind === 'failed') throw new Error(JSON.stringify(started.invite))
    const { callId } = started
    const row = await waitFor(() => rowOf(callId))
    const heardMs = await waitFor(async () => {
      const playedMs = lengthMs(await play(row))
      return playedMs >= HEARD_MS ? playedMs : undefined
    })
    await timers.advance(GIVEN_UP_AFTER_MS - 1)
    expect([sip.callCount, started.sip.isOver]).toEqual([1, false])
    await timers.advance(1)
    await waitFor(() => started.sip.isOver || undefined)
    const outcome = await started.outcome
    expect(outcome.end.by).toBe('them')
    const final = await waitFor(async () => {
      const now = await rowOf(callId)
      return now?.status === 'recording' ? undefined : now
    })
    expect(final).toMatchObject({ status: 'completed', errorCode: 'signalling_lost' })
    const { sent } = outcome
    expect(final.durationMs).toBeGreaterThanOrEqual(Math.floor(heardMs))
    expect(sent.truth.durationMs - final.durationMs).toBeLessThan(UNRECORDED_MAX_MS)
    const details = await services.catalogue.findCallDetails(project.id, final.id)
    expect(details).toMatchObject({ endReason: 'signalling_lost', gaps: [], streams: [{ codec, lost: 0 }] })
    expect(complaintsOfBeginning(await play(final), outcome.plan, final.durationMs)).toEqual([])
    expect(troubles).toEqual([])
  })
})
