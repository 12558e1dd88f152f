import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { CONFIG_KEYS, type ConfigKey } from '../../src/ops/config-keys.ts'
import { Metrics } from '../../src/ops/metrics.ts'

const page = (name: string): string => readFileSync(`docs/reference/${name}.md`, 'utf8')
const firstCells = (text: string): string[] => [...text.matchAll(/^\| `([^`]+)`/gm)].map(([, cell]) => cell ?? '')

const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
  .map((path) => readFileSync(join('src', path), 'utf8'))
  .join('\n')

/** Defaults that depend on the machine, as the page says them in words. */
const MACHINE_DEFAULTS: Readonly<Record<string, string>> = {
  TRANSCODE_WORKERS: 'processors − 1, at most 8',
  CAPTURE_WORKERS: 'processors − 1, at most 4',
}

/** Rows that follow from the table in config-keys.ts; `npm test` prints the expected row when one is wrong. */
const configurationRow = ([name, key]: [string, ConfigKey<unknown>]): string => {
  const shown = MACHINE_DEFAULTS[name] ?? (key.fallback === undefined ? '' : `\`${key.fallback}\``)
  return `| \`POULSEN_${name}\` | ${shown} | ${key.about} Allowed: ${key.allowed}. |`
}

describe('docs/reference', () => {
  it('has every setting, word for word, and no other', () => {
    const text = page('configuration')
    const rows = (Object.entries(CONFIG_KEYS) as [string, ConfigKey<unknown>][]).map(configurationRow)
    expect(text.split('\n').filter((line) => line.startsWith('| `'))).toEqual(rows)
  })

  it('has every error code that the code can give, and no other', () => {
    const codes = [...sources.matchAll(/\bcode: '([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)'|\binvalid\('([A-Z_]+)'/g)].map(
      ([, a, b]) => a ?? b,
    )
    const documented = firstCells(page('errors'))
    expect(codes.filter((code) => code && !code.startsWith('SQLITE_') && !documented.includes(code))).toEqual([])
    expect(documented.filter((code) => !sources.includes(`'${code}'`))).toEqual([])
    expect(documented).toEqual([...documented].sort())
  })

  it('has every metric, and no other', async () => {
    const metrics = new Metrics()
    metrics.watchSpool(() => ({ waiting: 0, oldestMs: 0, isAway: false }))
    const ours = (await metrics.registry.getMetricsAsJSON())
      .map(({ name }) => name)
      .filter((name) => name.startsWith('poulsen_'))
    expect(firstCells(page('metrics')).sort()).toEqual([...ours, 'poulsen_media_free_bytes'].sort())
  })
})

describe('the README', () => {
  it('names only npm scripts that exist, and only pages that exist', () => {
    const scripts = Object.keys((JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: object }).scripts)
    const readme = readFileSync('README.md', 'utf8')
    const named = [...readme.matchAll(/npm (?:run )?(start|test|[a-z:]+)/g)].map(([, name]) => name ?? '')
    expect(named.filter((name) => !scripts.includes(name) && !['ci', 'with', 'scripts'].includes(name))).toEqual([])
    const links = [...readme.matchAll(/\]\(([^)#:]+)\)/g)].map(([, path]) => path ?? '')
    expect(links.length).toBeGreaterThan(5)
    for (const path of links) expect(() => readFileSync(path), path).not.toThrow()
  })
})
