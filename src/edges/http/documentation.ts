import swagger from '@fastify/swagger'
import type { FastifyApiReferenceOptions } from '@scalar/fastify-api-reference'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'

const PAGE = '/docs'

/** Collects the schemas of the routes registered after it into an OpenAPI 3.1 document at `/openapi.json`, shown at `/docs`. */
export const registerDocumentation = async (app: FastifyInstance, version: string): Promise<void> => {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Poulsen',
        version,
        description:
          "A self-hosted call-recording server, compatible with SignalWire's Relay REST Recordings resource.",
        license: { name: 'MIT' },
      },
      components: {
        securitySchemes: {
          basic: { type: 'http', scheme: 'basic', description: 'Project id as the user, API token as the password.' },
          bearer: { type: 'http', scheme: 'bearer', description: 'API token, or a token to publish with (WHIP).' },
        },
      },
    },
  })
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger())
}

/**
 * The documentation page at `/docs`. Its package is five megabytes of script, so it is loaded, in a small framework of its own, with the first
 * request for it. It asks nobody but this server for anything.
 */
export const registerDocumentationPage = (app: FastifyInstance): void => {
  let page: Promise<FastifyInstance> | undefined
  const show = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    page ??= loadPage()
    const { routing } = await page
    reply.raw.setHeader('x-request-id', request.id)
    reply.hijack()
    routing(request.raw, reply.raw)
    return reply
  }
  app.get(PAGE, { schema: { hide: true } }, show)
  app.get(`${PAGE}/*`, { schema: { hide: true } }, show)
}

const loadPage = async (): Promise<FastifyInstance> => {
  const { default: reference } = await import('@scalar/fastify-api-reference')
  const page = Fastify()
  const configuration = {
    url: '/openapi.json',
    withDefaultFonts: false,
    telemetry: false,
    showDeveloperTools: 'never',
    agent: { disabled: true },
    hideClientButton: true,
    defaultOpenAllTags: true,
    favicon: 'data:,',
    authentication: { preferredSecurityScheme: 'basic' },
  }
  await page.register(reference, { routePrefix: PAGE, configuration } as unknown as FastifyApiReferenceOptions)
  await page.ready()
  return page
}
