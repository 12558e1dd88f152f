import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import type { Context } from '../../src/edges/cli/context.ts'
import { EXIT_CODES } from '../../src/edges/cli/exit-codes.ts'
import { buildProgram } from '../../src/edges/cli/program.ts'
import { CONFIG_KEYS } from '../../src/ops/config-keys.ts'

const page = readFileSync('docs/reference/cli.md', 'utf8')
const program = buildProgram({ version: '0', stdout: process.stdout, stderr: process.stderr } as unknown as Context)

const leaves = (command: Command, path: string): string[] =>
  command.commands.length === 0
    ? [path]
    : command.commands.flatMap((child) => leaves(child, `${path} ${child.name()}`.trim()))

describe('docs/reference/cli.md', () => {
  it('has every command, and no other', () => {
    const documented = [...page.matchAll(/^\| `([a-z ]+)` \|/gm)].map(([, name]) => name)
    expect(documented.sort()).toEqual(leaves(program, '').sort())
  })

  it('has every exit code', () => {
    const documented = [...page.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code))
    expect(documented).toEqual([...new Set([0, 1, 2, ...Object.values(EXIT_CODES)])].sort((a, b) => a - b))
  })
})

describe('serve', () => {
  it('has a flag for every setting', () => {
    const serve = program.commands.find((command) => command.name() === 'serve')
    const flags = serve?.options.map((option) => option.long)
    expect(flags).toEqual(Object.keys(CONFIG_KEYS).map((name) => `--${name.toLowerCase().replaceAll('_', '-')}`))
  })
})
