import { type Config, readConfig } from '../../src/ops/config.ts'
import { CONFIG_KEYS } from '../../src/ops/config-keys.ts'

/** Settings that belong to several nodes and are not in this program yet. */
const TO_COME: ReadonlySet<string> = new Set(['MEDIA_STORE', 'NODE_URL', 'NODE_LOST_AFTER_SECONDS'])

const PREFIX = 'POULSEN_'

const isToCome = (name: string): boolean => {
  const short = name.slice(PREFIX.length)
  return TO_COME.has(short) && !(short in CONFIG_KEYS)
}

/** What the server makes of an environment that a file of `deploy/` gives it. Throws what it would refuse to start with. */
export const configOf = (environment: Readonly<Record<string, unknown>>): Config => {
  const texts = Object.entries(environment).map(([name, value]) => [name, String(value)] as const)
  return readConfig({}, Object.fromEntries(texts.filter(([name]) => !isToCome(name))))
}

/** Settings that a text names and the server has not. */
export const unknownIn = (text: string): readonly string[] =>
  [...text.matchAll(/\bPOULSEN_[A-Z0-9_]+/g)]
    .map(([name]) => name)
    .filter((name) => !isToCome(name) && !(name.slice(PREFIX.length) in CONFIG_KEYS))

/** Values for what an operator fills in. */
export const FILLED_IN = {
  POULSEN_BOOTSTRAP_PROJECT_ID: '6f0b1f4e-3c64-4a8c-9f5e-0b7a1f6f2a11',
  POULSEN_BOOTSTRAP_TOKEN: `PT${'0123456789abcdef'.repeat(3)}`,
} as const

/** `30s`, `5m`, `1m30s` → seconds; a bare number is seconds. */
export const secondsOf = (text: string): number => {
  const [, minutes = '0', seconds = '0'] = /^(?:(\d+)m(?:in)?)?(?:(\d+)s?)?$/.exec(text) ?? []
  return Number(minutes) * 60 + Number(seconds)
}
