import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { expect } from 'vitest'
import { type Answer, send } from '../../acceptance/support/client.ts'
import { anOffer } from '../../builders/webrtc-offer.ts'
import { cliOn } from '../../integration/support/cli.ts'
import type { WhipServer } from './whip-server.ts'

/** Header fields by their names, in lower case. */
export type Headers = Readonly<Record<string, string | readonly string[]>>

/** An answer without what no two answers have in common. */
export interface WhipAnswer {
  readonly status: number
  readonly headers: Headers
  /** What the JSON says, else text. */
  readonly body: unknown
}

/** What is asked of an endpoint. */
export interface Asked {
  readonly endpoint?: string
  /** The bearer; the project's own token unless said, none when empty. */
  readonly token?: string
  /** Further header fields; an empty one leaves ours out. */
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
}

/** A session that was made. */
export interface MadeSession {
  /** The path of its URL. */
  readonly path: string
  readonly etag: string
  readonly token: string
  readonly answer: WhipAnswer
}

export const OFFER_TYPE = 'application/sdp'
export const FRAGMENT_TYPE = 'application/trickle-ice-sdpfrag'
const CHUNK_BYTES = 1_024
/** Of every answer, and never the same, or of the connection alone. */
const VARYING: ReadonlySet<string> = new Set(['date', 'x-request-id', 'connection', 'keep-alive', 'transfer-encoding'])
const JSON_TYPE = 'application/json; charset=utf-8'

/** A client of WHIP that says exactly what it is told to. */
export class WhipClient {
  readonly #live: WhipServer

  constructor(live: WhipServer) {
    this.#live = live
  }

  /** Publishes the offer of a browser, unless another body is given. */
  post({ endpoint = 'support', token, headers, body = anOffer() }: Asked = {}): Promise<WhipAnswer> {
    return this.ask('POST', `/whip/${endpoint}`, { token, headers: { 'content-type': OFFER_TYPE, ...headers }, body })
  }

  /** A session that is up. */
  async publish(asked: Asked = {}): Promise<MadeSession> {
    const answer = await this.post(asked)
    const { location, etag } = answer.headers
    if (answer.status !== 201) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`)
    return { path: new URL(String(location)).pathname, etag: String(etag), token: asked.token ?? this.token, answer }
  }

  /** More candidates for a session. */
  patch({ path, etag, token }: Omit<MadeSession, 'answer'>, { headers, body }: Asked): Promise<WhipAnswer> {
    const head = { 'content-type': FRAGMENT_TYPE, 'if-match': etag, ...headers }
    return this.ask('PATCH', path, { token, headers: head, ...(body !== undefined && { body }) })
  }

  /** Ends a session. */
  end({ path, token }: Pick<MadeSession, 'path' | 'token'>): Promise<WhipAnswer> {
    return this.ask('DELETE', path, { token })
  }

  /** Publishes a body whose length is not told. */
  async postInChunks(body: Uint8Array): Promise<WhipAnswer> {
    const headers = { authorization: `Bearer ${this.token}`, 'content-type': OFFER_TYPE }
    const { hostname, port } = new URL(this.#live.server.url)
    const sent = request({ hostname, port, method: 'POST', path: '/whip/support', headers, agent: false })
    const answered = once(sent, 'response') as Promise<[IncomingMessage]>
    for (let at = 0; at < body.length; at += CHUNK_BYTES) sent.write(body.subarray(at, at + CHUNK_BYTES))
    sent.end()
    const [response] = await answered
    const bytes = Buffer.concat(await response.toArray())
    return plain({ status: response.statusCode ?? 0, headers: response.headers, bytes })
  }

  async ask(
    method: string,
    path: string,
    { token, headers = {}, body }: { readonly [Key in keyof Asked]?: Asked[Key] | undefined } = {},
  ): Promise<WhipAnswer> {
    const bearer = token ?? this.token
    const all = { ...(bearer !== '' && { authorization: `Bearer ${bearer}` }), ...headers }
    const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ''))
    const { url } = this.#live.server
    return plain(await send(url, { method, path, headers: given, ...(body !== undefined && { body }) }))
  }

  /** The project's own token. */
  get token(): string {
    return this.#live.credentials.token
  }

  /** Another token of the same project, with these permissions. */
  async anotherToken(...permissions: readonly string[]): Promise<string> {
    const { url } = this.#live.server
    const { authorization } = this.#live.credentials
    const body = JSON.stringify({ name: 'another', permissions })
    const answer = await send(url, { method: 'POST', path: '/api/project/tokens', headers: { authorization }, body })
    expect(answer.status).toBe(200)
    return String(answer.json.token)
  }

  /** A token of another project, with all that it needs. */
  async foreignToken(): Promise<string> {
    const cli = cliOn(this.#live.dataDir)
    const { id } = await cli.json<{ id: string }>('project', 'create', '--name', 'other')
    return (await cli.json<{ token: string }>('token', 'create', '--project', id, '--permission', 'calling')).token
  }
}

const plain = ({ status, headers, bytes }: Omit<Answer, 'json'>): WhipAnswer => {
  const kept = Object.entries(headers).filter(([name]) => !VARYING.has(name)) as [string, string | string[]][]
  const text = bytes.toString()
  return {
    status,
    headers: Object.fromEntries(kept),
    body: headers['content-type'] === JSON_TYPE && text !== '' ? JSON.parse(text) : text,
  }
}

/** An answer with a body of JSON, whole. */
export const answered = (status: number, body: object, more: Headers = {}): WhipAnswer => {
  const length = String(Buffer.byteLength(JSON.stringify(body)))
  return { status, headers: { 'content-type': JSON_TYPE, 'content-length': length, ...more }, body }
}

/** A refusal that says why, whole. */
export const refused = (status: number, title: string, code: string, detail: string, more: Headers = {}): WhipAnswer =>
  answered(status, { errors: [{ detail, status: String(status), title, code }] }, more)

export const UNAUTHORIZED = answered(401, { error: 'Unauthorized' }, { 'www-authenticate': 'Bearer realm="Poulsen"' })
export const NOT_FOUND = answered(404, { error: 'Not Found' })
