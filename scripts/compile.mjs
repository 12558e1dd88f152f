// `npm prepare`: compiles src/ to dist/ for `npx poulsen` and the published package. The server itself runs from source,
// so an install without development dependencies (no compiler) is fine and skips this.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

const compiler = 'node_modules/typescript/bin/tsc'
if (existsSync(compiler) && existsSync('src')) {
  const { status } = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], { stdio: 'inherit' })
  process.exit(status ?? 1)
}
