import { randomUUID } from 'node:crypto'
import type {
  CallRecorder,
  CallRequest,
  MediaPorts,
  RecordedCall,
  Reservation,
  StreamPlan,
  StreamTerms,
} from '../../src/capture/call-recorder.ts'
import type { EndReason } from '../../src/domain/call-details.ts'
import { PoulsenError } from '../../src/domain/errors.ts'
import type { MetadataVersion } from '../../src/domain/session-metadata.ts'

const FIRST_PORT = 40_000

/** A call of the fake, open to be looked at and ended from inside. */
export class FakeRecordedCall implements RecordedCall {
  readonly recordingId = randomUUID()
  readonly request: CallRequest
  readonly updates: (readonly StreamPlan[])[] = []
  readonly metadata: MetadataVersion[] = []
  readonly ended: Promise<EndReason>
  readonly #onEnded: () => void
  readonly #gates: () => FakeCallRecorder['gates']
  readonly #ended = Promise.withResolvers<EndReason>()
  #ending: Promise<void> | undefined
  endReason: EndReason | undefined

  constructor(request: CallRequest, gates: () => FakeCallRecorder['gates'], onEnded: () => void) {
    this.#gates = gates
    this.request = request
    this.ended = this.#ended.promise
    this.#onEnded = onEnded
  }

  update({ streams }: StreamTerms): void {
    this.updates.push(streams)
  }

  async appendMetadata(version: MetadataVersion): Promise<void> {
    await this.#gates().append
    this.metadata.push(version)
  }

  end(reason: EndReason): Promise<void> {
    this.#ending ??= this.#end(reason)
    return this.#ending
  }

  async #end(reason: EndReason): Promise<void> {
    this.endReason = reason
    this.#onEnded()
    this.#ended.resolve(reason)
    await this.#gates().end
  }
}

/**
 * A call recorder that opens no socket and keeps no audio, but keeps to the contract: ports are unique while they are held, exactly one of begin and
 * release ends a reservation, the first reason counts. `gates` hold its promises until they are opened, or make them fail.
 */
export class FakeCallRecorder implements CallRecorder {
  readonly calls: FakeRecordedCall[] = []
  readonly reserved = new Set<number>()
  /** What these wait for. */
  gates: Partial<Record<'reserve' | 'addStream' | 'succeed' | 'begin' | 'append' | 'end', Promise<void>>> = {}
  reservationsMax = Number.POSITIVE_INFINITY
  #nextPort = FIRST_PORT

  get callCount(): number {
    return this.calls.filter(({ endReason }) => endReason === undefined).length
  }

  async reserve(request: {
    readonly family: 4 | 6
    readonly streamCount: number
    readonly address?: string
  }): Promise<Reservation> {
    await this.gates.reserve
    if (this.reserved.size >= this.reservationsMax) throw unavailable('CAPTURE_BUSY')
    const address = request.address ?? (request.family === 4 ? '127.0.0.1' : '::1')
    const ports = Array.from({ length: request.streamCount }, () => this.#takePorts(address))
    const free = () => {
      for (const { rtpPort } of ports) this.reserved.delete(rtpPort)
    }
    const addStream = async () => {
      await this.gates.addStream
      const added = this.#takePorts(address)
      ports.push(added)
      return added
    }
    return this.#reservation(ports, addStream, free)
  }

  /** Exactly one of begin and release; after begin it may be succeeded once. */
  #reservation(ports: MediaPorts[], addStream: () => Promise<MediaPorts>, free: () => void): Reservation {
    let isOpen = true
    let isSucceeded = false
    const close = () => {
      if (!isOpen) throw new Error('a reservation was ended twice')
      isOpen = false
    }
    const freeOwn = () => {
      if (!isSucceeded) free()
    }
    return {
      ports,
      addStream,
      succeed: async () => {
        await this.gates.succeed
        isSucceeded = true
        return this.#reservation(ports, addStream, free)
      },
      begin: async (call) => {
        close()
        try {
          await this.gates.begin
        } catch (error) {
          free()
          throw error
        }
        const recorded = new FakeRecordedCall(call, () => this.gates, freeOwn)
        this.calls.push(recorded)
        return recorded
      },
      release: () => {
        close()
        free()
      },
    }
  }

  #takePorts(address: string): MediaPorts {
    const rtpPort = this.#nextPort
    this.#nextPort += 2
    this.reserved.add(rtpPort)
    return { address, rtpPort, rtcpPort: rtpPort + 1 }
  }
}

/** A refusal as capture gives it. */
export const unavailable = (code: string): PoulsenError =>
  new PoulsenError({ code, kind: 'unavailable', message: `a refusal of the test: ${code}` })
