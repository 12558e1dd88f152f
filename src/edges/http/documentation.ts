import swagger from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'

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
        },
      },
    },
  })
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger())
}

/** The documentation page. Its code is large, so it is loaded after the server has begun to serve everything else. */
export const registerDocumentationPage = async (app: FastifyInstance): Promise<void> => {
  const { default: reference } = await import('@scalar/fastify-api-reference')
  await app.register(reference, { routePrefix: '/docs', configuration: { url: '/openapi.json' } })
}
