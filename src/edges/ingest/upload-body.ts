import type { IncomingMessage } from 'node:http'
import { Busboy, type BusboyFileStream, type BusboyHeaders, type BusboyInstance } from '@fastify/busboy'
import { PoulsenError } from '../../domain/errors.ts'
import { readBody } from '../http/request-body.ts'

const AUDIO = /^(audio\/[\w.+-]+|application\/(octet-stream|ogg))\s*(;|$)/i
const MULTIPART = /^multipart\/form-data\s*;/i
/** Form parts that are read past before the file; a form with more is refused. */
const PARTS_MAX = 32

/**
 * The audio in an upload: the raw body of an audio type (or of none: the bytes decide what it is), or the one file of a form.
 * Throws UPLOAD_TYPE_UNSUPPORTED, UPLOAD_FORM_INVALID, and what {@link readBody} throws.
 */
export const openUpload = (request: IncomingMessage, idleMs: number): AsyncIterable<Uint8Array> => {
  const type = request.headers['content-type']
  if (type !== undefined && MULTIPART.test(type)) return readForm(request, idleMs)
  if (type === undefined || AUDIO.test(type)) return lend(readBody(request, idleMs))
  throw new PoulsenError({
    code: 'UPLOAD_TYPE_UNSUPPORTED',
    kind: 'unsupported',
    message: `An upload cannot be ${type.slice(0, 100)}.`,
    hint: "Send the bytes with 'Content-Type: audio/wav', audio/mpeg or audio/ogg, or a form with one file.",
  })
}

/**
 * Chunks of the network whose memory is given back as soon as the next is asked for. Left to the garbage collector, which sees only their tiny
 * handles, they pile up until it has to go through the whole heap: at a hundred megabytes a second, that was a fifth of an upload.
 */
async function* lend(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    yield chunk
    const { buffer } = chunk
    if (buffer instanceof ArrayBuffer && chunk.length === buffer.byteLength) buffer.transfer(0)
  }
}

/** The bytes of the only file in a form. Feeds the parser one chunk at a time and hands on what came of it, so memory stays flat. */
async function* readForm(request: IncomingMessage, idleMs: number): AsyncGenerator<Uint8Array> {
  const form = new FormFile(request)
  for await (const chunk of lend(readBody(request, idleMs))) yield* form.append(chunk)
  yield* form.finish()
}

/** A multipart parser that is pushed chunks and returns the file's bytes in them. */
class FormFile {
  readonly #parser: BusboyInstance
  #out: Uint8Array[] = []
  #files = 0
  #problem: string | undefined
  #ended: Promise<void>

  constructor(request: IncomingMessage) {
    try {
      this.#parser = new Busboy({
        headers: request.headers as BusboyHeaders,
        limits: { parts: PARTS_MAX, fieldSize: 64 * 1024 },
        isPartAFile: (_name, type, fileName) => fileName !== undefined || type === 'application/octet-stream',
      })
    } catch (cause) {
      throw invalidForm('its boundary is missing', cause)
    }
    this.#parser.on('file', (_name: string, stream: BusboyFileStream) => {
      this.#files += 1
      if (this.#files > 1) this.#problem = 'it has more than one file'
      stream.on('data', (bytes: Uint8Array) => this.#out.push(bytes))
      stream.on('limit', () => {})
      stream.on('error', (error: Error) => {
        this.#problem = error.message
      })
    })
    this.#parser.on('partsLimit', () => {
      this.#problem = `it has more than ${PARTS_MAX} parts`
    })
    this.#ended = new Promise((resolve) => {
      this.#parser.on('finish', resolve)
      this.#parser.on('error', (error: unknown) => {
        this.#problem ??= error instanceof Error ? error.message : String(error)
        resolve()
      })
    })
  }

  async *append(chunk: Uint8Array): AsyncGenerator<Uint8Array> {
    await new Promise<void>((resolve) => {
      this.#parser.write(chunk, () => resolve())
    })
    yield* this.#drain()
  }

  async *finish(): AsyncGenerator<Uint8Array> {
    this.#parser.end()
    await this.#ended
    yield* this.#drain()
    if (this.#files === 0) throw invalidForm('it has no file')
  }

  *#drain(): Generator<Uint8Array> {
    if (this.#problem !== undefined) throw invalidForm(this.#problem)
    const out = this.#out
    this.#out = []
    yield* out
  }
}

const invalidForm = (why: string, cause?: unknown): PoulsenError =>
  new PoulsenError({
    code: 'UPLOAD_FORM_INVALID',
    kind: 'invalid',
    message: `The form cannot be read: ${why}.`,
    hint: 'Send multipart/form-data with exactly one file, as `curl -F file=@call.wav` does.',
    cause,
  })
