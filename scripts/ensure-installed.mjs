// Runs before `npm start` and `npm test`, on whatever Node the machine has: installs the locked dependencies
// (Node 24 is one of them) when they are missing or older than the lock file.
import { spawnSync } from 'node:child_process'
import { statSync } from 'node:fs'

const modifiedMs = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0

if (modifiedMs('node_modules/.package-lock.json') < modifiedMs('package-lock.json')) {
  console.error('poulsen: installing dependencies (once, with `npm ci`) …')
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  })
  if (status !== 0) {
    console.error('poulsen: `npm ci` failed; see its message above')
    process.exit(status ?? 1)
  }
}
