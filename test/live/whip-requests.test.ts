import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aDataLine, anAudioLine, anOffer, aVideoLine } from '../builders/webrtc-offer.ts'
import {
  answered,
  NOT_FOUND,
  OFFER_TYPE,
  refused,
  UNAUTHORIZED,
  type WhipAnswer,
  WhipClient,
} from './support/whip-client.ts'
import { WhipServer } from './support/whip-server.ts'

const MEBIBYTE = 1024 ** 2
const live = new WhipServer({ POULSEN_WEBRTC_POSTS_PER_SECOND: '1000', POULSEN_UPLOAD_IDLE_SECONDS: '1' })
const client = new WhipClient(live)
let listener: string

beforeAll(async () => {
  await live.start()
  listener = await client.anotherToken('storage', 'video')
})
afterAll(() => live.dispose())

/** So many lines of audio. */
const mids = (count: number) => Array.from({ length: count }, (_, mid) => anAudioLine({ mid: mid.toString(36) }))
const closed = (line: readonly string[]) => line.map((each) => each.replace(/^(m=\w+) 9/, '$1 0'))

const check = (answer: WhipAnswer, expected: WhipAnswer): void => expect(answer).toEqual(expected)

describe('credentials', () => {
  const { projectId, token, authorization } = live.credentials
  const cases: readonly (readonly [name: string, header: () => string])[] = [
    ['none', () => ''],
    ['the scheme alone', () => 'Bearer'],
    ['the scheme and a space', () => 'Bearer '],
    ['the token alone', () => token],
    ['Basic', () => authorization],
    ['Basic in the name of Bearer', () => authorization.replace('Basic', 'Bearer')],
    ['Digest', () => 'Digest username="x"'],
    ['two tokens', () => `Bearer ${token} ${token}`],
    ['two schemes', () => `Bearer Bearer ${token}`],
    ['a comma behind the token', () => `Bearer ${token},`],
    ['an unknown token', () => `Bearer PT${'0'.repeat(48)}`],
    ['an unknown publish token', () => `Bearer PW${randomBytes(24).toString('hex')}`],
    ['a token cut by one', () => `Bearer ${token.slice(0, -1)}`],
    ['a token with one more', () => `Bearer ${token}0`],
    ['a token in capitals', () => `Bearer ${token.toUpperCase()}`],
    ['the project and the token', () => `Bearer ${projectId}:${token}`],
    ['a token without calling', () => `Bearer ${listener}`],
    ['SQL', () => `Bearer ' OR 1=1 --`],
    ['10,000 characters', () => `Bearer ${'x'.repeat(10_000)}`],
  ]
  it.each(cases)('%s: 401, whatever is asked', async (_name, header) => {
    const headers = { authorization: header() }
    check(await client.post({ headers }), UNAUTHORIZED)
    check(await client.post({ endpoint: '%00', headers, body: 'no SDP' }), UNAUTHORIZED)
    for (const method of ['PATCH', 'DELETE'])
      check(await client.ask(method, '/whip/support/x', { headers }), UNAUTHORIZED)
  })

  it('the scheme may be written as it likes', async () => {
    const made = await client.publish({ headers: { authorization: `bEARER   ${token} ` } })
    expect((await client.end(made)).status).toBe(200)
  })
})

describe('an endpoint', () => {
  it.each([
    ['no name', ''],
    ['a space', '%20'],
    ['a NUL', '%00'],
    ['a NUL behind', 'support%00'],
    ['a line end behind', 'support%0A'],
    ['an encoded slash', 'support%2Fother'],
    ['a colon', 'a:b'],
    ['an at', 'me@here'],
    ['a percent', '100%25'],
    ['an emoji', '%F0%9F%8E%99'],
    ['65 characters', 'x'.repeat(65)],
    ['5,000 characters', 'x'.repeat(5_000)],
    ['broken UTF-8', '%C3%28'],
    ['a broken escape', '%zz'],
  ])('whose name is or has %s: 404', async (_name, endpoint) => {
    check(await client.post({ endpoint }), NOT_FOUND)
  })

  it.each(['x'.repeat(64), 'A.b_c~d-9', '...', '%73upport', 'support?x=1'])('%s is one', async (endpoint) => {
    const made = await client.publish({ endpoint })
    expect((await client.end(made)).status).toBe(200)
  })
})

describe('a body', () => {
  const wrongType = refused(415, 'Unsupported Media Type', 'WHIP_TYPE_UNSUPPORTED', 'The body must be application/sdp.')
  const tooLarge = refused(413, 'Content Too Large', 'BODY_TOO_LARGE', 'The body is larger than 65536 bytes.')

  it.each([
    ['no type', ''],
    ['JSON', 'application/json'],
    ['text', 'text/plain'],
    ['a form', 'application/x-www-form-urlencoded'],
    ['a fragment', 'application/trickle-ice-sdpfrag'],
    ['a type that begins like it', 'application/sdpx'],
  ])('of another type, %s: 415', async (_name, type) => {
    check(await client.post({ headers: { 'content-type': type } }), wrongType)
  })

  it.each([
    'Application/SDP',
    'application/sdp; charset=utf-8',
    ' application/sdp ;x',
  ])('"%s" is its type', async (type) => {
    const made = await client.publish({ headers: { 'content-type': type } })
    expect((await client.end(made)).status).toBe(200)
  })

  it('of 10 MB: 413, with a length and without', async () => {
    const body = Buffer.alloc(10 * MEBIBYTE, 'a=x\r\n')
    check(await client.post({ body }), tooLarge)
    check(await client.postInChunks(body), tooLarge)
  })

  it('of 64 KiB is read, of one byte more not', async () => {
    const offer = anOffer()
    const fill = (bytes: number) => `${offer}a=x:${'x'.repeat(bytes - offer.length - 6)}\r\n`
    const made = await client.publish({ body: fill(65_536) })
    expect((await client.end(made)).status).toBe(200)
    check(await client.post({ body: fill(65_537) }), tooLarge)
    check(await client.postInChunks(Buffer.from(fill(65_537))), tooLarge)
  })

  it('in chunks, without a length, is read', async () => {
    const answer = await client.postInChunks(Buffer.from(anOffer()))
    expect(answer.status).toBe(201)
    const { pathname: path } = new URL(String(answer.headers.location))
    expect((await client.end({ path, token: client.token })).status).toBe(200)
  })
})

describe('an offer that cannot be read: 400', () => {
  const damaged = (reason: string) =>
    refused(
      400,
      'Bad Request',
      'WHIP_OFFER_DAMAGED',
      `The offer cannot be read: ${reason}. Send the SDP offer of a WebRTC peer connection, as it is.`,
    )
  const noSdp = damaged('no session description of version 0')
  const noIce = damaged('it has no ICE')
  const noPrint = damaged('it has no fingerprint that counts')
  const print = /^(a=fingerprint:)(.*)$/m
  const cases: readonly (readonly [name: string, body: string | Uint8Array, expected: WhipAnswer])[] = [
    ['nothing', '', noSdp],
    ['a line end', '\r\n', noSdp],
    ['a word', 'hello', noSdp],
    ['JSON', JSON.stringify({ type: 'offer', sdp: anOffer() }), noSdp],
    ['noise', Uint8Array.from({ length: 4_000 }, (_, index) => (index * 37) % 256), noSdp],
    ['a mark of order in front', `\ufeff${anOffer()}`, noSdp],
    ['version 1', anOffer().replace('v=0', 'v=1'), noSdp],
    ['no origin', anOffer({ without: /^o=/ }), damaged('no origin')],
    [
      'a media line without a port',
      anOffer().replace('m=audio 9', 'm=audio x'),
      damaged('a media line cannot be read'),
    ],
    ['a media line of one word', `${anOffer()}m=audio\r\n`, damaged('a media line cannot be read')],
    ['33 lines', anOffer({ media: mids(33) }), damaged('too many media lines')],
    ['2,000 lines of text', `${anOffer()}${'a=x\r\n'.repeat(2_000)}`, damaged('too many lines')],
    ['no ICE', anOffer({ without: /^a=ice-/ }), noIce],
    ['no ICE password', anOffer({ without: /^a=ice-pwd/ }), noIce],
    ['a name of ICE of 3 characters', anOffer().replace(/^(a=ice-ufrag:).*$/m, '$1abc'), noIce],
    ['a name of ICE with a space in it', anOffer().replace(/^(a=ice-ufrag:).*$/m, '$1ab cd'), noIce],
    ['a password of ICE of 21 characters', anOffer().replace(/^(a=ice-pwd:).*$/m, `$1${'x'.repeat(21)}`), noIce],
    ['a password of ICE of 257 characters', anOffer().replace(/^(a=ice-pwd:).*$/m, `$1${'x'.repeat(257)}`), noIce],
    ['no fingerprint', anOffer({ without: /^a=fingerprint/ }), noPrint],
    ['a fingerprint of SHA-1', anOffer().replace(print, `$1sha-1 ${'AA:'.repeat(19)}AA`), noPrint],
    ['a fingerprint cut by one', anOffer().replace(print, `$1sha-256 ${'AA:'.repeat(30)}AA`), noPrint],
    ['a fingerprint too short for its algorithm', anOffer().replace('sha-256 ', 'sha-512 '), noPrint],
    ['a fingerprint that is none', anOffer().replace(print, '$1sha-256 nonsense'), noPrint],
    ['two lines of one mid', anOffer({ media: [anAudioLine(), anAudioLine()] }), damaged('two lines have one mid')],
    ['a mid with a space in it', anOffer().replace('a=mid:0', 'a=mid:a b'), damaged('a mid cannot be read')],
    [
      'a mid of 33 characters',
      anOffer().replace('a=mid:0', `a=mid:${'x'.repeat(33)}`),
      damaged('a mid cannot be read'),
    ],
  ]
  it.each(cases)('%s', async (_name, body, expected) => {
    check(await client.post({ body }), expected)
  })
})

describe('an offer that cannot be taken: 422', () => {
  const unsupported = (reason: string) =>
    refused(
      422,
      'Invalid Attribute',
      'WHIP_OFFER_UNSUPPORTED',
      `The offer cannot be taken: ${reason}. Offer audio in Opus only, all lines sendonly, in one bundle.`,
    )
  const noOpus = unsupported('it does not offer Opus')
  const silent = unsupported('a line of it sends nothing')
  const video = unsupported('it offers video: only audio is recorded')
  const insecure = (protocol: string) => unsupported(`its media is ${protocol}, not DTLS over UDP`)
  const cases: readonly (readonly [name: string, body: string, expected: WhipAnswer])[] = [
    ['nothing', anOffer({ media: [] }), unsupported('it offers no audio')],
    ['video', anOffer({ media: [aVideoLine('0')] }), video],
    ['audio and video', anOffer({ media: [anAudioLine(), aVideoLine()] }), video],
    ['audio and a video that is closed', anOffer({ media: [anAudioLine(), closed(aVideoLine())] }), video],
    [
      'a data channel',
      anOffer({ media: [aDataLine('0')] }),
      unsupported('it offers application: only audio is recorded'),
    ],
    [
      'audio and a data channel',
      anOffer({ media: [anAudioLine(), aDataLine()] }),
      unsupported('it offers application: only audio is recorded'),
    ],
    ['audio that is received', anOffer({ media: [anAudioLine({ direction: 'recvonly' })] }), silent],
    ['audio that is inactive', anOffer({ media: [anAudioLine({ direction: 'inactive' })] }), silent],
    [
      'one line that sends and one that does not',
      anOffer({ media: [anAudioLine(), anAudioLine({ mid: '1', direction: 'recvonly' })] }),
      silent,
    ],
    ['no Opus', anOffer({ media: [anAudioLine({ codecs: [[0, 'PCMU/8000']] })] }), noOpus],
    ['Opus of 8 kHz', anOffer({ media: [anAudioLine({ codecs: [[111, 'opus/8000/2']] })] }), noOpus],
    ['Opus that has no map', anOffer({ without: /^a=rtpmap:111/ }), noOpus],
    ['no codec', anOffer({ media: [anAudioLine({ codecs: [] })] }), noOpus],
    ['RTCP on a port of its own', anOffer({ without: /^a=rtcp-mux/ }), unsupported('it does not multiplex RTCP')],
    ['media in the open', anOffer({ media: [anAudioLine({ protocol: 'RTP/AVP' })] }), insecure('RTP/AVP')],
    ['media with keys in SDP', anOffer({ media: [anAudioLine({ protocol: 'RTP/SAVPF' })] }), insecure('RTP/SAVPF')],
    [
      'DTLS over TCP',
      anOffer({ media: [anAudioLine({ protocol: 'TCP/TLS/RTP/SAVPF' })] }),
      insecure('TCP/TLS/RTP/SAVPF'),
    ],
    [
      'Opus under a type of RTCP',
      anOffer({ media: [anAudioLine({ codecs: [[72, 'opus/48000/2']] })] }),
      unsupported('its payload type of Opus cannot be told from RTCP'),
    ],
    ['two lines that are no bundle', anOffer({ media: mids(2), bundle: [] }), unsupported('its lines are no bundle')],
    [
      'two lines, one of them in a bundle',
      anOffer({ media: mids(2), bundle: ['0'] }),
      unsupported('its lines are no bundle'),
    ],
    ['9 lines', anOffer({ media: mids(9) }), unsupported('it offers more than 8 lines of audio')],
  ]
  it.each(cases)('%s', async (_name, body, expected) => {
    check(await client.post({ body }), expected)
  })
})

describe('an offer that is unusual, and taken', () => {
  const cases: readonly (readonly [name: string, body: string])[] = [
    ['line ends of one character', anOffer().replaceAll('\r\n', '\n')],
    ['no end of the last line', anOffer().trimEnd()],
    ['sendrecv', anOffer({ media: [anAudioLine({ direction: 'sendrecv' })] })],
    ['no bundle of one line', anOffer({ bundle: [] })],
    ['no mid', anOffer({ without: /^a=mid|^a=group/ })],
    ['8 lines', anOffer({ media: mids(8) })],
    ['OPUS in capitals', anOffer({ media: [anAudioLine({ codecs: [[96, 'OPUS/48000/2']] })] })],
    ['active', anOffer().replace('a=setup:actpass', 'a=setup:active')],
    ['passive', anOffer().replace('a=setup:actpass', 'a=setup:passive')],
    ['no setup', anOffer({ without: /^a=setup/ })],
    [
      'candidates that are none',
      anOffer({ media: [anAudioLine({ candidates: ['candidate:', 'candidate:1 1 udp x'] })] }),
    ],
    ['attributes that nobody knows', anOffer({ media: [anAudioLine({ more: ['a=x', 'a=y:z', 'b=AS:64'] })] })],
    ['no candidates', anOffer({ media: [anAudioLine({ candidates: [] })] })],
    ['letters beyond ASCII', anOffer().replace('s=-', 's=Ærø 🎙')],
  ]
  it.each(cases)('%s', async (_name, body) => {
    const made = await client.publish({ body })
    expect((await client.end(made)).status).toBe(200)
  })
})

describe('the documentation', () => {
  type Operation = {
    readonly parameters?: readonly { readonly name: string; readonly schema: { readonly pattern?: string } }[]
    readonly responses: Readonly<Record<string, { readonly headers?: object; readonly content?: object }>>
  }
  const read = async () => {
    const { body } = await client.ask('GET', '/openapi.json')
    return (body as { paths: Readonly<Record<string, Readonly<Record<string, Operation>>>> }).paths
  }

  it('says that who brings a body too slowly is answered 408', async () => {
    const paths = await read()
    for (const [path, method] of [
      ['/whip/{endpoint}', 'post'],
      ['/whip/{endpoint}/{session}', 'patch'],
      ['/v1/whip/tokens', 'post'],
    ] as const)
      expect(Object.keys(paths[path]?.[method]?.responses ?? {})).toContain('408')
  })

  it('says what the answer to an offer has in its header, and what in its body', async () => {
    const created = (await read())['/whip/{endpoint}']?.post?.responses['201']
    expect(Object.keys(created?.headers ?? {}).sort()).toEqual(['Accept-Patch', 'ETag', 'Link', 'Location'])
    expect(created?.content).toEqual({ 'application/sdp': { schema: { type: 'string' } } })
  })

  it('has a name of an endpoint that no URL takes away', async () => {
    const [endpoint] = (await read())['/whip/{endpoint}']?.post?.parameters ?? []
    const pattern = new RegExp(endpoint?.schema.pattern ?? '')
    expect(['support', '...', '.a', '.', '..', 'a/b', ''].filter((name) => pattern.test(name))).toEqual([
      'support',
      '...',
      '.a',
    ])
  })
})

describe('after all that', () => {
  it('nothing is being recorded, and what was answered has its recording', async () => {
    const statuses = (await live.list()).map(({ status }) => status)
    expect(new Set(statuses)).toEqual(new Set(['no_input']))
    check(await client.post({ headers: { 'content-type': OFFER_TYPE }, token: '' }), UNAUTHORIZED)
    check(await client.ask('GET', '/healthz'), answered(200, { status: 'ok' }))
  })
})

/** RFC 3986 §5.2.4 takes them out of every path: no client could name the session that it was given. */
describe('an endpoint that no URL can name', () => {
  it.each(['.', '..', '%2e%2E'])('%s: 404', async (endpoint) => {
    check(await client.post({ endpoint }), NOT_FOUND)
  })
})
