#!/usr/bin/env -S node --max-semi-space-size=8
import { readFileSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'

enableCompileCache()

// Imported after the compile cache is on: it halves the start.
const { openCaptureDisk, openServices } = await import('./compose.ts')
const { runCli } = await import('./edges/cli/program.ts')
const { runDemo } = await import('./edges/demo/demo.ts')

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
const { stdout, stderr } = process
const call = fileURLToPath(new URL('../assets/call.wav', import.meta.url))

process.exitCode = await runCli(process.argv.slice(2), {
  version,
  openServices,
  openCaptureDisk,
  backUp: async (config, options) => (await import('./compose-backup.ts')).backUp(config, { ...options, version }),
  serve: async (config) => {
    const { serve } = await import('./serve.ts')
    await serve(config, { version, print: (text) => stdout.write(text) })
  },
  migrate: async (sides, listener) => (await import('./compose-migration.ts')).runMigration(sides, listener),
  explainInvite: async (bytes, trunk) => (await import('./edges/sip/explain-invite.ts')).explainInvite(bytes, trunk),
  demo: (print, stays) => runDemo({ main: fileURLToPath(import.meta.url), call, print, stays }),
  openStdin: () => process.stdin,
  stdout,
  stderr,
})
