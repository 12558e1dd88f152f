import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'

const MINUTES_5_MS = 300_000

/** Installs a Debian package when its program is not there: a test that needs a peer brings it. Throws when it cannot. */
export const requireProgram = (path: string, packageName: string): string => {
  if (!existsSync(path)) {
    const options = { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }, timeout: MINUTES_5_MS }
    execFileSync('apt-get', ['update', '-qq'], options)
    execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', packageName], options)
  }
  return path
}
