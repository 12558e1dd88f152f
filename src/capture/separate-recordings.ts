import { randomUUID } from 'node:crypto'
import type { EndReason } from '../domain/call-details.ts'
import type { CallRequest, RecordedCall, Reservation, StreamPlan, StreamTerms } from './call-recorder.ts'

/** Reserves so many streams for one recording. */
type Reserve = (streamCount: number) => Promise<Reservation>

/**
 * A call of several streams of which each becomes a recording of its own: to the door one call, to capture as many as there are streams. The first is `inbound`,
 * the others `outbound`. Their end is the last one's. Rejects as `reserve` does.
 */
export const reserveSeparately = async (reserve: Reserve, streamCount: number): Promise<Reservation> => {
  const reservations: Reservation[] = []
  try {
    while (reservations.length < streamCount) reservations.push(await reserve(1))
  } catch (error) {
    for (const reservation of reservations) reservation.release()
    throw error
  }
  return together(reserve, reservations)
}

/** Several reservations as one. */
const together = (reserve: Reserve, reservations: Reservation[]): Reservation => ({
  ports: reservations.flatMap(({ ports }) => ports),
  addStream: async () => {
    const reservation = await reserve(1)
    reservations.push(reservation)
    return reservation.ports[0] as Reservation['ports'][number]
  },
  succeed: async () => together(reserve, await Promise.all(reservations.map((each) => each.succeed()))),
  release: () => {
    for (const reservation of reservations) reservation.release()
  },
  begin: async (request) => {
    const grouped = { ...request, group: randomUUID() }
    const calls = await beginAll(reservations, grouped)
    return joined(calls, async (terms) => {
      for (let index = calls.length; index < terms.streams.length; index += 1) {
        const call = await reservations[index]?.begin(partOf({ ...grouped, ...terms }, index))
        if (call) calls.push(call)
      }
    })
  },
})

/** Begins all or none: what had begun when one could not ends without audio. */
const beginAll = async (reservations: readonly Reservation[], request: CallRequest): Promise<RecordedCall[]> => {
  const begun = await Promise.allSettled(
    reservations.map((reservation, index) => reservation.begin(partOf(request, index))),
  )
  const calls = begun.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
  const failed = begun.find((each) => each.status === 'rejected')
  if (!failed) return calls
  await Promise.all(calls.map((call) => call.end('internal')))
  throw failed.reason
}

/** One stream's part of a call: kept as received. */
const partOf = ({ layout: _separate, ...request }: CallRequest, index: number): CallRequest => ({
  ...request,
  ...oneOf(request, index),
  track: index === 0 ? 'inbound' : 'outbound',
})

const oneOf = ({ streams, security }: StreamTerms, index: number): StreamTerms => {
  const { channel: _none, ...plan } = streams[index] as StreamPlan
  return { streams: [plan], security: [security?.[index]] }
}

/** Several recorded calls as one. */
const joined = (calls: readonly RecordedCall[], grow: (terms: StreamTerms) => Promise<void>): RecordedCall => ({
  recordingId: (calls[0] as RecordedCall).recordingId,
  update: (terms) => {
    for (const [index, call] of calls.entries()) if (terms.streams[index]) call.update(oneOf(terms, index))
    // One that cannot begin is missed alone; the others go on.
    if (terms.streams.length > calls.length) void grow(terms).catch(() => {})
  },
  appendMetadata: async (version) => {
    await Promise.all(calls.map((call) => call.appendMetadata(version)))
  },
  end: async (reason: EndReason) => {
    await Promise.all(calls.map((call) => call.end(reason)))
  },
  ended: lastOf(calls),
})

/** When all have ended, those that join later too: the first one's reason. One stream that falls silent ends no call. */
const lastOf = async (calls: readonly RecordedCall[]): Promise<EndReason> => {
  const [first] = calls as readonly [RecordedCall]
  // The list grows while we wait.
  for (let index = 0; index < calls.length; index += 1) await calls[index]?.ended
  return first.ended
}
