import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { FastifyInstance } from 'fastify'

const PATH = '/whip/demo'
/** The same way from `src` and from `dist`. */
const FILE = new URL('../../../assets/whip-demo.html', import.meta.url)

/**
 * A page that records a microphone and plays the recording: a client of the API like any other, which asks nobody but this server for anything. Read
 * once, here. Its route is more exact than the reserved `GET /whip/:endpoint`, and so goes before it.
 */
export const registerDemoPage = (app: FastifyInstance): void => {
  const page = readFileSync(FILE, 'utf8')
  const headers = {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': policyOf(page),
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  }
  app.get(PATH, { schema: { hide: true } }, async (_request, reply) => reply.headers(headers).send(page))
}

/** Nothing runs but what is in the page, and nothing is loaded but from this server (CSP 3 §6.1). */
const policyOf = (page: string): string =>
  [
    "default-src 'none'",
    `script-src ${sourcesOf(page, 'script')}`,
    `style-src ${sourcesOf(page, 'style')}`,
    "connect-src 'self'",
    "media-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')

const sourcesOf = (page: string, element: 'script' | 'style'): string =>
  [...page.matchAll(new RegExp(`<${element}[^>]*>(.*?)</${element}>`, 'gs'))]
    .map(([, text = '']) => `'sha256-${hash('sha256', text, 'base64')}'`)
    .join(' ')
