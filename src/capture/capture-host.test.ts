import { createSocket, type Socket } from 'node:dgram'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { SimulatedDisk } from '../../test/fakes/simulated-disk.ts'
import { formatRtp } from '../audio/rtp/packet.ts'
import { makeSrtpKey, type SrtpKey } from '../audio/srtp/srtp-key.ts'
import { SrtpSender } from '../audio/srtp/srtp-sender.ts'
import type { DiskFile } from '../ports/disk.ts'
import type { MediaPorts, StreamPlan } from './call-recorder.ts'
import { CaptureHost } from './capture-host.ts'
import type { CapturedMedia, LiveRecording } from './captured-media.ts'
import type { FromWorker } from './worker-messages.ts'

const HANDLE = 1
const SENDER_PORT = 44_300
const TURNS = 30
const SUITE = 'AES_CM_128_HMAC_SHA1_80'

const plan = (parts: Partial<StreamPlan> = {}): StreamPlan => ({
  format: { codec: 'PCMU', payloadType: 0, clockRateHz: 8_000, channels: 1 },
  eventTypes: [],
  comfortNoiseTypes: [],
  remote: { address: '127.0.0.1', rtpPort: SENDER_PORT, rtcpPort: 9 },
  isRtcpMultiplexed: false,
  isHeld: false,
  ...parts,
})

const recordingOf = (...streams: readonly StreamPlan[]): LiveRecording => ({
  recordingId: '00000000-0000-4000-8000-000000000001',
  projectId: 'p',
  mediaKey: 'k',
  streams,
  maxMs: 600_000,
  mix: { codec: 'pcm_mulaw', channels: 2, sampleRateHz: 8_000 },
})

/** A disk that takes a moment to make a file. */
class SlowDisk extends SimulatedDisk {
  override async create(name: string): Promise<DiskFile> {
    await turns(5)
    return super.create(name)
  }
}

/** A worker from inside, with a disk in memory and sockets of its own; its packets come on a clock that is moved by hand. */
class Bench {
  readonly disk = new SlowDisk()
  readonly messages: FromWorker[] = []
  readonly host = new CaptureHost({
    disk: this.disk,
    data: {
      worker: 0,
      folder: '',
      run: 'rtest-0',
      rtpPorts: { first: 44_000, last: 44_199 },
      mediaTimeoutMs: 60_000,
    },
    send: (message) => this.messages.push(message),
  })
  readonly #sender: Socket = createSocket('udp4')
  #sequence = 0

  async open(): Promise<void> {
    await new Promise<void>((done) => this.#sender.bind(SENDER_PORT, '127.0.0.1', done))
    await this.host.open()
  }

  get ended(): readonly CapturedMedia[] {
    return this.messages.flatMap((message) => (message.type === 'ended' ? [message.media] : []))
  }

  reserve(streamCount = 1): Promise<readonly MediaPorts[]> {
    return this.host.reserve(HANDLE, '127.0.0.1', 4, streamCount)
  }

  /** Sends packets of 20 ms in their time, and sees to it that they have come in. */
  async speak(to: MediaPorts | undefined, packets: number, key?: SrtpKey): Promise<void> {
    const srtp = key && new SrtpSender(key)
    for (let sent = 0; sent < packets; sent += 1) {
      const place = { sequence: this.#sequence, timestamp: this.#sequence * 160 }
      this.#sequence += 1
      const plain = formatRtp({ payloadType: 0, marker: false, ssrc: 1, ...place }, new Uint8Array(160))
      await new Promise((done) => this.#sender.send(srtp?.sealRtp(plain) ?? plain, to?.rtpPort ?? 0, '127.0.0.1', done))
      await turns(3)
      vi.advanceTimersByTime(20)
    }
    await turns(TURNS)
  }

  async hangUp(): Promise<CapturedMedia | undefined> {
    await this.host.end(HANDLE, 'hangup')
    await turns(TURNS)
    return this.ended[0]
  }

  async close(): Promise<void> {
    await this.host.close()
    await new Promise<void>((done) => this.#sender.close(done))
  }
}

const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn += 1) await new Promise(setImmediate)
}

let bench: Bench
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  bench = new Bench()
  await bench.open()
})
afterEach(async () => {
  await bench.close()
  vi.useRealTimers()
})

describe('a recording that is over before it has begun', () => {
  it.each(['discard', 'end', 'release'] as const)('by %s leaves nothing behind', async (how) => {
    await bench.reserve()
    const begun = bench.host.begin(HANDLE, recordingOf(plan()), undefined)
    const over = how === 'end' ? bench.host.end(HANDLE, 'shutdown') : bench.host[how](HANDLE)
    await expect(begun).rejects.toMatchObject({ code: 'CAPTURE_BUSY' })
    await over
    expect(await bench.host.look(HANDLE)).toBeUndefined()
    await bench.host.close()
    expect(await bench.disk.list('recordings')).toEqual([])
    expect(await bench.disk.list('journal')).toEqual([])
  })
})

describe('packets that come before their recording', () => {
  it('are its beginning when they came just before, and nothing when they are of long ago', async () => {
    const [port] = await bench.reserve()
    await bench.speak(port, 5)
    vi.advanceTimersByTime(10_000)
    await bench.speak(port, 10)
    await bench.host.begin(HANDLE, recordingOf(plan()), undefined)
    await bench.speak(port, 40)
    expect(await bench.hangUp()).toMatchObject({ durationMs: 1_000, streams: [{ packets: 50 }] })
  })

  it('wait for a stream that joins', async () => {
    const [first] = await bench.reserve()
    await bench.host.begin(HANDLE, recordingOf(plan()), undefined)
    await bench.speak(first, 5)
    const second = await bench.host.addStream(HANDLE, '127.0.0.1', 4)
    await bench.speak(second, 5)
    await bench.host.update(HANDLE, { streams: [plan(), plan({ channel: 1 })] })
    await bench.speak(second, 5)
    expect(await bench.hangUp()).toMatchObject({ streams: [{ packets: 5 }, { packets: 10 }] })
  })
})

describe('a stream whose security changes', () => {
  const key = makeSrtpKey(SUITE)
  const secured = plan({ isSecured: true })
  const begin = async (receive: SrtpKey) => {
    const [port] = await bench.reserve()
    await bench.host.begin(HANDLE, recordingOf(secured), [{ receive, send: makeSrtpKey(SUITE) }])
    await bench.speak(port, 10, receive)
    return port
  }

  it('goes on in the open when that is agreed on', async () => {
    const port = await begin(key)
    await bench.host.update(HANDLE, { streams: [plan()] })
    await bench.speak(port, 10)
    expect(await bench.hangUp()).toMatchObject({ streams: [{ packets: 20 }] })
  })

  it('and is secured still when it only waits', async () => {
    const port = await begin(key)
    const security = [{ receive: key, send: makeSrtpKey(SUITE) }]
    await bench.host.update(HANDLE, { streams: [{ ...secured, isHeld: true }], security })
    await bench.host.update(HANDLE, { streams: [secured], security })
    await bench.speak(port, 10)
    await bench.speak(port, 10, key)
    expect(await bench.hangUp()).toMatchObject({ streams: [{ packets: 20, unauthentic: 10 }] })
  })

  it('is heard when only the name of its key has changed', async () => {
    const named = { ...key, mki: Uint8Array.of(1, 2, 3, 4) }
    const port = await begin(key)
    await bench.host.update(HANDLE, { streams: [secured], security: [{ receive: named, send: makeSrtpKey(SUITE) }] })
    await bench.speak(port, 10, named)
    expect(await bench.hangUp()).toMatchObject({ streams: [{ packets: 20 }] })
  })
})
