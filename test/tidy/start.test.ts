import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

/** Every way to start the server that is ours. */
const STARTS = ['package.json', 'src/main.ts', 'deploy/Dockerfile', 'deploy/poulsen.service', 'bench/poulsen.ts']

it('starts the server with the same bound on what V8 lets pile up, however it is started', () => {
  for (const file of STARTS) expect(readFileSync(file, 'utf8'), file).toContain('--max-semi-space-size=8')
})
