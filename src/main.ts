#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { enableCompileCache } from 'node:module'

enableCompileCache()

const { openServices } = await import('./compose.ts')
const { runCli } = await import('./edges/cli/program.ts')
const { serve } = await import('./serve.ts')

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
const { stdout, stderr } = process

process.exitCode = await runCli(process.argv.slice(2), {
  version,
  openServices,
  serve: (config) => serve(config, { version, print: (text) => stdout.write(text) }),
  stdout,
  stderr,
})
