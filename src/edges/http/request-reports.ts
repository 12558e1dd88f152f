import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyRequest } from 'fastify'
import type { RequestReport } from '../../ports/telemetry.ts'

/** The client left before there was an answer; no status that is ever sent. */
const CLIENT_LEFT = 499

/** Reports each request once: when its answer is out or its client is gone, whatever became of it in between. */
export class RequestReports {
  readonly #onRequestEnded: (report: RequestReport) => void
  /** What the framework made of a node request, once it has. */
  readonly #known = new WeakMap<IncomingMessage, FastifyRequest>()

  constructor(onRequestEnded: (report: RequestReport) => void) {
    this.#onRequestEnded = onRequestEnded
  }

  /** Takes over a request from node, before anybody else sees it. */
  watch(raw: IncomingMessage, response: ServerResponse): void {
    const begunMs = performance.now()
    response.once('close', () => {
      const known = this.#known.get(raw)
      this.#onRequestEnded({
        requestId: known?.id ?? 'unknown',
        projectId: known?.caller?.project.id,
        method: raw.method ?? 'unknown',
        route: known?.routeOptions.url ?? 'unknown',
        status: response.headersSent ? response.statusCode : CLIENT_LEFT,
        ms: performance.now() - begunMs,
      })
    })
  }

  /** Learns what the framework made of a request. */
  note(request: FastifyRequest): void {
    this.#known.set(request.raw, request)
  }
}
