import { randomBytes, randomUUID } from 'node:crypto'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sendRaw } from '../acceptance/support/client.ts'
import { aFragment, anAudioLine, anOffer, aVideoLine, ICE } from '../builders/webrtc-offer.ts'
import { seeded } from '../support/random.ts'
import { waitFor } from '../support/wait-for.ts'
import { floodDatagrams, lyingRtp, mutate, type Random } from './support/attacks.ts'
import { type ServerUse, useOf } from './support/server-use.ts'
import { mediaPortOf, type ProcessUse, transportOf, useOfProcess } from './support/transport-process.ts'
import { type MadeSession, type WhipAnswer, WhipClient } from './support/whip-client.ts'
import { WhipServer } from './support/whip-server.ts'

const SEED = Number(process.env.SEED ?? 6_113)
const MEBIBYTE = 1024 ** 2
const OFFERS = 2_000
const AT_ONCE = 32
/** Every so many sessions are kept until all offers have been made. */
const KEPT_EVERY = 4
/** Below those that the system gives to whoever asks. */
const MEDIA_PORTS = { first: 23_000, last: 26_999 }
const MORE_ROUNDS = 3
/** What all attacks together may cost the server, and what the rounds that are more may cost its transport process. */
const GROWTH_MAX_BYTES = { server: 128 * MEBIBYTE, transport: 70 * MEBIBYTE }
/** Of the files, clients and databases that come and go. */
const SPARE = 12
const FLOOD_MS = 180_000

const live = new WhipServer({
  POULSEN_RTP_PORTS: `${MEDIA_PORTS.first}-${MEDIA_PORTS.last}`,
  POULSEN_CALLS_MAX: '10000',
  POULSEN_WEBRTC_POSTS_PER_SECOND: '10000',
  POULSEN_WEBRTC_PROJECT_MAX: '10000',
  POULSEN_UPLOAD_IDLE_SECONDS: '1',
  // What is only not collected yet does not look like what is kept.
  NODE_OPTIONS: '--max-old-space-size=128 --max-semi-space-size=4',
})
const client = new WhipClient(live)
let transport: number
let before: { readonly server: ServerUse; readonly transport: ProcessUse }

beforeAll(async () => {
  await live.start()
  transport = await transportOf(live)
  // What is loaded once is not what the attacks cost.
  await flood(200, SEED)
  before = await rested()
}, FLOOD_MS)
afterAll(() => live.dispose())

const use = async () => ({ server: await useOf(live, MEDIA_PORTS), transport: useOfProcess(transport) })

/** What is used when every session has ended. */
const rested = async () => {
  await waitFor(async () => ((await sessionCount()) === 0 ? true : undefined), 45_000)
  return waitFor(async () => {
    const now = await use()
    return now.server.mediaPorts === 0 && now.server.growingFiles === 0 ? now : undefined
  }, 45_000)
}

/** As the server's own metrics say. */
const sessionCount = async (): Promise<number> => {
  const { body } = await client.ask('GET', '/metrics')
  return Number(/^poulsen_whip_sessions (\d+)$/m.exec(String(body))?.[1])
}

const audio = (count: number) => Array.from({ length: count }, (_, mid) => anAudioLine({ mid: String(mid) }))

/** An offer of a browser, of one that wants more than it gets, or of one that has gone mad. */
const offerOf = (random: Random): string | Uint8Array => {
  const text = anOffer({ media: audio(1 + Math.floor(random() ** 3 * 8)) })
  const lines = text.split('\r\n')
  const at = () => Math.floor(random() * lines.length)
  const kind = random()
  if (kind < 0.4) return text
  if (kind < 0.6) return mutate(Buffer.from(text), random)
  if (kind < 0.7) return lines.toSpliced(at(), 1).join('\r\n')
  if (kind < 0.8) return lines.toSpliced(at(), 0, lines[at()] ?? '').join('\r\n')
  if (kind < 0.85) return lines.toSpliced(at(), 1, `${lines[at()]}${'x'.repeat(random() * 3_000)}`).join('\r\n')
  if (kind < 0.9) return anOffer({ media: [...audio(1), aVideoLine()] })
  return kind < 0.95 ? randomBytes(Math.floor(random() * 3_000)) : text.replaceAll('0', '99999999999999999999')
}

const kindOf = ({ status, body }: WhipAnswer): string =>
  status === 201 ? '201' : `${status} ${(body as { errors?: readonly { code: string }[] }).errors?.[0]?.code}`

/** So many offers, some at a time; how they were answered, and how those that it ended were. */
const flood = async (count: number, seed: number): Promise<{ kinds: Map<string, number>; ended: Set<number> }> => {
  const random = seeded(seed)
  const [kinds, ended, kept] = [
    new Map<string, number>(),
    new Set<number>(),
    [] as Pick<MadeSession, 'path' | 'token'>[],
  ]
  const end = async (session: Pick<MadeSession, 'path' | 'token'>) => ended.add((await client.end(session)).status)
  let begun = 0
  const worker = async () => {
    while (begun < count) {
      begun += 1
      const place = begun
      const answer = await client.post({ body: offerOf(random) })
      const kind = kindOf(answer)
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
      if (answer.status !== 201) continue
      const session = { path: new URL(String(answer.headers.location)).pathname, token: client.token }
      if (place % KEPT_EVERY === 0) kept.push(session)
      else await end(session)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  await Promise.all(kept.map(end))
  return { kinds, ended }
}

describe(`${OFFERS} offers, ${AT_ONCE} at a time, whole and damaged`, () => {
  it('each gets an answer that tells what is wrong, or a session', { timeout: FLOOD_MS }, async () => {
    const { kinds, ended } = await flood(OFFERS, SEED + 1)
    const expected = ['201', '400 WHIP_OFFER_DAMAGED', '422 WHIP_OFFER_UNSUPPORTED', '422 WEBRTC_REFUSED']
    expect(
      [...kinds.keys()].filter((kind) => !expected.includes(kind)),
      `SEED=${SEED}`,
    ).toEqual([])
    expect([...kinds.values()].reduce((sum, number) => sum + number, 0)).toBe(OFFERS)
    expect(kinds.get('201')).toBeGreaterThan(OFFERS / 3)
    expect(kinds.get('400 WHIP_OFFER_DAMAGED')).toBeGreaterThan(OFFERS / 20)
    expect(kinds.get('422 WHIP_OFFER_UNSUPPORTED')).toBeGreaterThan(OFFERS / 20)
    // One whose peer has not come for half a minute has ended by itself.
    expect(ended.difference(new Set([200, 404]))).toEqual(new Set())
    expect(await transportOf(live)).toBe(transport)
  })

  it('thousands more cost the transport process nothing that it keeps', { timeout: 2 * FLOOD_MS }, async () => {
    const { residentBytes } = useOfProcess(transport)
    for (let round = 0; round < MORE_ROUNDS; round += 1) await flood(OFFERS, SEED + 10 + round)
    const after = await rested()
    expect(after.transport.residentBytes - residentBytes).toBeLessThan(GROWTH_MAX_BYTES.transport)
    expect(await transportOf(live)).toBe(transport)
  })

  it('fragments that are damaged do no harm to a session', { timeout: FLOOD_MS }, async () => {
    const random = seeded(SEED + 2)
    const made = await client.publish()
    const kinds = new Set<string>()
    const candidate = 'candidate:1 1 udp 2122260223 127.0.0.1 9 typ host generation 0'
    for (let round = 0; round < 25; round += 1) {
      const bodies = Array.from({ length: 8 }, () => mutate(Buffer.from(aFragment([])), random))
      const words = Array.from({ length: 8 }, (_, index) =>
        candidate.split(' ').toSpliced(index % 8, 1, '\0x'.repeat(index)),
      )
      const all = [...bodies, ...words.map((each) => aFragment([each.join(' ')]))]
      for (const answer of await Promise.all(all.map((body) => client.patch(made, { body }))))
        kinds.add(answer.status === 204 ? '204' : kindOf(answer))
    }
    expect(kinds.difference(new Set(['204', '422 WHIP_FRAGMENT_DAMAGED', '422 WHIP_RESTART_UNSUPPORTED']))).toEqual(
      new Set(),
    )
    expect((await client.end(made)).status).toBe(200)
    expect(await transportOf(live)).toBe(transport)
  })
})

describe('a body that does not come', () => {
  const head = (method: string, path: string, type: string, ...more: readonly string[]): string =>
    [
      `${method} ${path} HTTP/1.1`,
      'Host: localhost',
      `Authorization: Bearer ${client.token}`,
      `Content-Type: ${type}`,
      ...more,
      '',
      '',
    ].join('\r\n')
  const LENGTH = 'Content-Length: 9000'

  it('is waited for no longer than an upload: 408', async () => {
    const made = await client.publish()
    const offer = head('POST', '/whip/support', 'application/sdp', LENGTH)
    const chunked = head('POST', '/whip/support', 'application/sdp', 'Transfer-Encoding: chunked')
    const patch = head('PATCH', made.path, 'application/trickle-ice-sdpfrag', LENGTH, `If-Match: ${made.etag}`)
    const cases = [offer, `${offer}v=0\r\n`, chunked, `${chunked}5\r\nv=0\r\n\r\n`, patch]
    const all = Array.from({ length: 10 }, () => cases).flat()
    const answers = await Promise.all(all.map((text) => sendRaw(live.server.url, [text], 15_000, /UPLOAD_IDLE/)))
    for (const answer of answers) {
      expect(answer.slice(0, 20)).toContain('HTTP/1.1 408 ')
      expect(answer).toContain('Nothing was received for 1 seconds.')
    }
    expect((await client.patch(made, { body: aFragment() })).status).toBe(204)
    expect((await client.end(made)).status).toBe(200)
  })

  it('that drips is given up as well', async () => {
    const { hostname, port } = new URL(live.server.url)
    const socket = connect({ host: hostname, port: Number(port) })
    socket.write(head('POST', '/whip/support', 'application/sdp', LENGTH))
    const drip = setInterval(() => socket.write('v'), 100)
    let answer = ''
    for await (const text of socket.setEncoding('utf8')) {
      answer += text
      if (answer.includes('UPLOAD_IDLE')) break
    }
    clearInterval(drip)
    socket.destroy()
    expect(answer).toContain('HTTP/1.1 408 ')
    expect(answer).toContain('The body did not come within 1 seconds.')
  }, 10_000)

  it('because its sender is gone makes no session', async () => {
    const recorded = (await live.list()).length
    const offer = anOffer()
    const text = head('POST', '/whip/support', 'application/sdp', `Content-Length: ${offer.length + 1}`) + offer
    await Promise.all(Array.from({ length: 50 }, () => sendRaw(live.server.url, [text], 20)))
    expect((await client.post({ body: 'hello' })).status).toBe(400)
    expect(await sessionCount()).toBe(0)
    expect((await live.list()).length).toBe(recorded)
  })
})

describe('strangers at the WebRTC port', () => {
  /** A binding request (RFC 8489 §5) with these attributes, whatever their lengths say. */
  const stun = (attributes: Uint8Array, length = attributes.length, type = 1): Buffer => {
    const header = Buffer.alloc(20)
    header.writeUInt16BE(type, 0)
    header.writeUInt16BE(length & 0xffff, 2)
    header.writeUInt32BE(0x2112a442, 4)
    header.set(randomBytes(12), 8)
    return Buffer.concat([header, attributes])
  }
  const attribute = (type: number, value: Uint8Array, length = value.length): Buffer => {
    const header = Buffer.alloc(4)
    header.writeUInt16BE(type, 0)
    header.writeUInt16BE(length & 0xffff, 2)
    return Buffer.concat([header, value, Buffer.alloc((4 - (value.length % 4)) % 4)])
  }

  it('say what they like: a session goes on, and nothing is recorded of it', { timeout: 60_000 }, async () => {
    const random = seeded(SEED + 3)
    const legId = randomUUID()
    const { token } = await live.publishToken({ endpoint: 'support', leg_id: legId })
    const made = await client.publish({ token })
    const ufrag = /^a=ice-ufrag:(.*)$/m.exec(String(made.answer.body))?.[1]?.trim()
    const name = attribute(6, Buffer.from(`${ufrag}:${ICE.ufrag}`))
    const forged = Buffer.concat([name, attribute(0x25, Buffer.alloc(0)), attribute(8, randomBytes(20))])
    const junk: readonly ((index: number) => Uint8Array)[] = [
      () => randomBytes(Math.floor(random() * 1_400)),
      () => stun(forged),
      () => stun(name),
      () => stun(attribute(6, Buffer.from('x:y'))),
      () => stun(forged, 0xffff),
      () => stun(attribute(6, Buffer.from(`${ufrag}`), 0xffff)),
      () => stun(forged, forged.length, 0x0101),
      () => stun(forged, forged.length, 0x0111),
      () => mutate(stun(forged), random),
      () => lyingRtp(0x5555, random),
      () => Buffer.concat([Buffer.from([22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]), randomBytes(200)]),
      () => new Uint8Array(0),
    ]
    const asked = Promise.withResolvers<void>()
    const floods = ['127.0.0.1', '127.0.0.66'].flatMap((from) =>
      junk.map((datagram) =>
        floodDatagrams({ from, port: mediaPortOf(live), until: asked.promise, perBurst: 2, datagram }),
      ),
    )
    for (let round = 0; round < 50; round += 1) {
      expect((await client.patch(made, { body: aFragment() })).status).toBe(204)
      expect((await client.end(await client.publish())).status).toBe(200)
    }
    asked.resolve()
    expect((await Promise.all(floods)).reduce((sum, sent) => sum + sent, 0)).toBeGreaterThan(1_000)
    expect((await client.patch(made, { body: aFragment() })).status).toBe(204)
    expect((await client.end(made)).status).toBe(200)
    const { status, call } = await live.finalOf(legId)
    expect([status, call?.end_reason]).toEqual(['no_input', 'hangup'])
    expect(await transportOf(live)).toBe(transport)
  })
})

describe('after all that', () => {
  it('every recording is final, nothing stays open, and memory is what it was', { timeout: 60_000 }, async () => {
    const after = await rested()
    expect(await sessionCount()).toBe(0)
    expect(await transportOf(live)).toBe(transport)
    expect(after.server.fileDescriptors).toBeLessThanOrEqual(before.server.fileDescriptors + SPARE)
    expect(after.transport.fileDescriptors).toBeLessThanOrEqual(before.transport.fileDescriptors + SPARE)
    expect(after.transport.threads).toBeLessThanOrEqual(before.transport.threads + SPARE)
    expect(after.server.residentBytes - before.server.residentBytes).toBeLessThan(GROWTH_MAX_BYTES.server)
    expect(new Set((await live.list()).map(({ status }) => status))).toEqual(new Set(['no_input']))
    expect(live.server.output()).not.toContain('"level":50')
    expect((await client.end(await client.publish())).status).toBe(200)
  })
})
