import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const MINUTES_10_MS = 600_000
const INSTALL = 'test -e "$1" || { apt-get update -qq && apt-get install -y -qq --no-install-recommends "$2"; }'

/**
 * Installs a Debian package when its program is not there: a test that needs a peer brings it. Test files that want one at the same time take turns.
 * Throws when it cannot.
 */
export const requireProgram = (path: string, packageName: string): string => {
  if (existsSync(path)) return path
  const options = { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }, timeout: MINUTES_10_MS }
  const lock = join(tmpdir(), 'poulsen-test-install.lock')
  execFileSync('flock', [lock, 'sh', '-c', INSTALL, 'install', path, packageName], options)
  return path
}
