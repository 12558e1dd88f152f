import { strict as assert } from 'node:assert'
import type { Ask } from './walk.ts'

/** A recording as the API has it. */
export interface WireRecording {
  readonly id: string
  readonly status: string
  readonly url: string
  readonly stereo: boolean
  readonly relay_sip_leg_id?: string
}

const DEADLINE_MS = 10_000
const POLL_EVERY_MS = 10

/** The recording of a leg among all that there are, whatever its status. Throws an AssertionError when there is none. */
export const recordingOfLeg = async (legId: string, ask: Ask): Promise<WireRecording> => {
  const list = (await (await ask('/api/relay/rest/recordings')).json()) as { data: WireRecording[] }
  const recording = list.data.find(({ relay_sip_leg_id }) => relay_sip_leg_id === legId)
  assert(recording, `no recording of ${legId}`)
  return recording
}

/** One recording by its id. */
export const getRecording = async (id: string, ask: Ask): Promise<WireRecording> => {
  const response = await ask(`/api/relay/rest/recordings/${id}`)
  assert.equal(response.status, 200)
  return (await response.json()) as WireRecording
}

/** A recording that must be completed soon. Throws an AssertionError when it ends otherwise, or not in time. */
export const whenCompleted = async (id: string, ask: Ask): Promise<WireRecording> => {
  const completed = await until(async () => {
    const recording = await getRecording(id, ask)
    return recording.status === 'recording' ? undefined : recording
  })
  assert.equal(completed.status, 'completed')
  return completed
}

/** The first thing that `look` finds; asks again until the deadline, then throws an AssertionError. */
export const until = async <T>(look: () => Promise<T | undefined>): Promise<T> => {
  for (const deadlineMs = performance.now() + DEADLINE_MS; ; ) {
    const found = await look()
    if (found !== undefined) return found
    assert(performance.now() < deadlineMs, 'it did not come to be in time')
    await new Promise((resolve) => setTimeout(resolve, POLL_EVERY_MS))
  }
}
