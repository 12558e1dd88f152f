import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

/** A forbidden import for every folder of the layout, planted in a file of its own. A gate can die in silence; these prove that it bites. */
const PLANTED: readonly [folder: string, from: string][] = [
  ['src/domain', '../ports/clock.ts'],
  ['src/audio', '../services/access.ts'],
  ['src/audio/planted', '../../ports/clock.ts'],
  ['src/protocol', '../domain/uuid.ts'],
  ['src/ports', '../services/access.ts'],
  ['src/services', '../adapters/system/clock.ts'],
  ['src/services', '../edges/http/origin.ts'],
  ['src/services/migration', '../../adapters/system/clock.ts'],
  ['src/caller', '../services/access.ts'],
  ['src/caller', '../capture/call-recorder.ts'],
  ['src/adapters/system', '../../services/access.ts'],
  ['src/adapters/system', '../sqlite/catalogue.ts'],
  ['src/edges/media', '../../adapters/system/clock.ts'],
  ['src/edges/media', '../ingest/routes.ts'],
  ['src/edges/cli', '../../compose.ts'],
  ['src/ops', '../services/access.ts'],
  ['test/acceptance', '../../src/domain/uuid.ts'],
]
const fileOf = (index: number): string => `${PLANTED[index]?.[0]}/planted-${index}.ts`

let findings: string

beforeAll(() => {
  for (const [index, [folder, from]] of PLANTED.entries()) {
    mkdirSync(folder, { recursive: true })
    writeFileSync(fileOf(index), `import { planted } from '${from}'\nexport const use = planted\n`)
  }
  writeFileSync(
    'src/domain/planted-node.ts',
    "import { sep } from 'node:path'\nexport const use = [sep, process.env.PATH]\n",
  )
  const files = [...PLANTED.keys()].map(fileOf)
  const lint = spawnSync('node_modules/.bin/biome', [
    'lint',
    '--reporter=github',
    '--max-diagnostics=100',
    ...files,
    'src/domain/planted-node.ts',
  ])
  findings = lint.stdout.toString() + lint.stderr.toString()
})

afterAll(() => {
  for (const index of PLANTED.keys()) rmSync(fileOf(index), { force: true })
  rmSync('src/domain/planted-node.ts', { force: true })
  rmSync(dirname(fileOf(2)), { recursive: true, force: true })
})

const found = (rule: string, file: string): boolean =>
  findings.split('\n').some((line) => line.includes(rule) && line.includes(file))

describe('the linter', () => {
  it.each(
    [...PLANTED.entries()].map(([index, [folder, from]]) => [folder, from, index] as const),
  )('refuses that %s imports %s', (_folder, _from, index) => {
    expect(found('noRestrictedImports', fileOf(index)), findings).toBe(true)
  })

  it('keeps Node modules and the environment out of the domain', () => {
    expect(found('noNodejsModules', 'planted-node.ts'), findings).toBe(true)
    expect(found('noProcessEnv', 'planted-node.ts'), findings).toBe(true)
  })
})
