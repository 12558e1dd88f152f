import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { createConnection } from 'node:net'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { expect } from 'vitest'
import { SEED_ERRORS, SEED_PAGE, SEED_RECORDING } from './seed-schemas.ts'
import type { Credentials } from './server.ts'

/** An answer, whole. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly bytes: Buffer
  /** The body as JSON; throws when it is none. */
  readonly json: Record<string, unknown>
}

/** What to ask. Paths go out exactly as written. */
export interface Question {
  readonly method?: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | string
}

const RELAY = '/api/relay/rest/recordings'
const ajv = new Ajv2020({ strict: false, allErrors: true })
;(addFormats as unknown as (ajv: Ajv2020) => void)(ajv)

const seed = {
  recording: ajv.compile(SEED_RECORDING),
  page: ajv.compile(SEED_PAGE),
  errors: new Map(Object.entries(SEED_ERRORS).map(([status, schema]) => [Number(status), ajv.compile(schema)])),
}

/** Asks one server, and holds every answer of the relay API to the seed's schemas and to the server's own document. */
export class Client {
  readonly url: string
  readonly credentials: Credentials
  readonly #own = new Map<string, ValidateFunction>()

  constructor(url: string, credentials: Credentials) {
    this.url = url
    this.credentials = credentials
  }

  /** Asks with these credentials unless the question has an authorization of its own; an empty one leaves it out. */
  async ask(question: Question): Promise<Answer> {
    const { authorization, ...headers } = { authorization: this.credentials.authorization, ...question.headers }
    const answer = await send(this.url, {
      ...question,
      headers: authorization === '' ? headers : { ...headers, authorization },
    })
    expect(answer.headers['x-request-id'], `${question.method} ${question.path}`).toMatch(/^[0-9a-f-]{36}$/)
    if (question.path.startsWith(RELAY)) await this.#holdToSchemas(question, answer)
    return answer
  }

  get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return this.ask({ path, headers })
  }

  upload(body: Uint8Array, query = '', headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    const head = { 'content-type': 'audio/wav', ...headers }
    return this.ask({ method: 'POST', path: `/v1/recordings${query}`, headers: head, body })
  }

  /** Stores a recording and gives its JSON. */
  async store(body: Uint8Array, query = ''): Promise<Record<string, unknown>> {
    const answer = await this.upload(body, query)
    expect(answer.status, answer.bytes.toString()).toBe(201)
    return answer.json
  }

  async #holdToSchemas({ method = 'GET', path }: Question, answer: Answer): Promise<void> {
    const { status, bytes } = answer
    if (method === 'HEAD' || status === 204 || status < 200 || bytes.length === 0) return
    const { json } = answer
    const isList = /^\/api\/relay\/rest\/recordings\/?(\?|$)/.test(path)
    const check = status === 200 ? (isList ? seed.page : seed.recording) : seed.errors.get(status)
    expect(check, `the seed has no status ${status} (${method} ${path})`).toBeDefined()
    if (check) expect(check(json), `${method} ${path}: ${JSON.stringify(check.errors)} ${bytes}`).toBe(true)
    const ours = await this.#ownSchema(isList, method, status)
    if (ours) expect(ours(json), `${method} ${path}: ${JSON.stringify(ours.errors)} ${bytes}`).toBe(true)
  }

  /** The served document's schema for this answer; undefined for methods that it does not have. */
  async #ownSchema(isList: boolean, method: string, status: number): Promise<ValidateFunction | undefined> {
    if (this.#own.size === 0) {
      const { json } = await send(this.url, { path: '/openapi.json' })
      const paths = json.paths as Record<
        string,
        Record<string, { responses: Record<string, { content?: Record<string, { schema: object }> }> }>
      >
      for (const [path, methods] of Object.entries(paths)) {
        for (const [verb, { responses }] of Object.entries(methods)) {
          for (const [code, { content }] of Object.entries(responses)) {
            const schema = content?.['application/json']?.schema
            if (schema) this.#own.set(`${verb} ${path} ${code}`, ajv.compile(schema))
          }
        }
      }
    }
    return this.#own.get(`${method.toLowerCase()} ${isList ? RELAY : `${RELAY}/{id}`} ${status}`)
  }
}

/** One request, its path untouched. Rejects when no answer comes. */
export const send = (url: string, { method = 'GET', path, headers = {}, body }: Question): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url)
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
    const sent = httpRequest(
      { hostname, port, method, path, headers: { ...length, ...headers }, agent: false },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.once('error', reject)
        response.once('end', () => {
          const bytes = Buffer.concat(chunks)
          const answer = { status: response.statusCode ?? 0, headers: response.headers, bytes }
          resolve({
            ...answer,
            get json() {
              return JSON.parse(bytes.toString()) as Record<string, unknown>
            },
          })
        })
      },
    )
    sent.once('error', reject)
    sent.end(body)
  })

/** Sends raw bytes over a connection of its own and gives everything that came back until the server ended it or the time was up. */
export const sendRaw = (
  url: string,
  parts: readonly (string | Uint8Array)[],
  waitMs = 3000,
  until = /$^/,
): Promise<string> =>
  new Promise((resolve) => {
    const { hostname, port } = new URL(url)
    const socket = createConnection({ host: hostname, port: Number(port) })
    let received = ''
    const end = () => {
      clearTimeout(timer)
      socket.destroy()
      resolve(received)
    }
    const timer = setTimeout(end, waitMs)
    socket.on('data', (bytes: Buffer) => {
      received += bytes.toString('latin1')
      if (until.test(received)) end()
    })
    socket.once('close', end)
    socket.once('error', end)
    for (const part of parts) socket.write(part)
  })
