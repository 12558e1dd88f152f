import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import type { FastifyInstance } from 'fastify'
import pino from 'pino'
import type { TSchema } from 'typebox'
import type { Permission } from '../../src/domain/token.ts'
import { buildHttpServer } from '../../src/edges/http/server.ts'
import { Access } from '../../src/services/access.ts'
import { Derivations } from '../../src/services/derivations.ts'
import { Playback } from '../../src/services/playback.ts'
import { Recordings } from '../../src/services/recordings.ts'
import { Tokens } from '../../src/services/tokens.ts'
import { MemoryCatalogue } from '../fakes/memory-catalogue.ts'
import { MemoryLiveRecordings } from '../fakes/memory-live-recordings.ts'
import { MemoryMediaStore } from '../fakes/memory-media-store.ts'
import { ToyTranscoder } from '../fakes/toy-transcoder.ts'
import { aClock, aTelemetry, ids } from './services.ts'

/** Every permission that does not read recordings. */
export const ALL_BUT_CALLING: readonly Permission[] = ['storage', 'management', 'video', 'chat']

/** Whether an answer is what a schema of ours promises. */
export const validatorOf = (schema: TSchema): ValidateFunction => {
  const ajv = new Ajv2020({ strict: false })
  ;(addFormats as unknown as (ajv: Ajv2020) => void)(ajv)
  return ajv.compile(schema)
}

/** An HTTP server without sockets over a catalogue in memory; routes are registered by who tests them, and `ready` awaited then. */
export const aRecordingsApi = () => {
  const catalogue = new MemoryCatalogue()
  const clock = aClock()
  const access = new Access({ catalogue, clock })
  const tokens = new Tokens({ catalogue, clock, ids, access })
  const mediaStore = new MemoryMediaStore()
  const live = new MemoryLiveRecordings()
  const ports = { catalogue, mediaStore, cache: new MemoryMediaStore(), live, clock, ids, telemetry: aTelemetry() }
  const derivations = new Derivations({ ...ports, transcoder: new ToyTranscoder(), cacheMaxBytes: 1000 })
  const services = { access, recordings: new Recordings({ ...ports, derivations }) }
  const app: FastifyInstance = buildHttpServer({
    logger: pino({ level: 'silent' }),
    onRequestEnded: () => {},
    isStopping: () => false,
    trustedProxies: undefined,
    tls: undefined,
    lane: (_request, _response, next) => next(),
  })
  const authorizationFor = async (projectId: string, permissions: readonly Permission[]): Promise<string> => {
    const { secret } = await tokens.create({ projectId, name: 'test', permissions })
    return `Basic ${Buffer.from(`${projectId}:${secret}`).toString('base64')}`
  }
  return { app, catalogue, services, playback: new Playback({ ...ports, derivations }), authorizationFor }
}
