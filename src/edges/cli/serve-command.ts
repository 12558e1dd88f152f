import { type Command, Option } from 'commander'
import { readConfig } from '../../ops/config.ts'
import { CONFIG_KEYS, type ConfigKey } from '../../ops/config-keys.ts'
import type { Context } from './context.ts'

/** `UPLOAD_MAX_BYTES` → `--upload-max-bytes`. */
const flagOf = (name: string): string => `--${name.toLowerCase().replaceAll('_', '-')}`

/** `serve`, with one flag for each setting. */
export const addServe = (program: Command, context: Context): void => {
  const serve = program.command('serve').description('run the server until a signal')
  for (const [name, key] of Object.entries(CONFIG_KEYS) as [string, ConfigKey<unknown>][]) {
    const fallback = key.fallback === undefined ? '' : ` (default ${key.fallback})`
    serve.addOption(new Option(`${flagOf(name)} <value>`, `${key.about} Allowed: ${key.allowed}.${fallback}`))
  }
  serve.action((flags: Record<string, string | undefined>) => context.serve(readConfig(flags)))
}
