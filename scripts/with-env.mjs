// `node scripts/with-env.mjs NAME=value … command …`: runs a command with variables set, on any system.
import { spawnSync } from 'node:child_process'

const words = process.argv.slice(2)
const from = words.findIndex((word) => !/^[A-Z_]+=/.test(word))
const assigned = Object.fromEntries(words.slice(0, from).map((word) => word.split(/=(.*)/s).slice(0, 2)))
const [command, ...rest] = words.slice(from)
const { status } = spawnSync(command, rest, { stdio: 'inherit', env: { ...process.env, ...assigned }, shell: false })
process.exit(status ?? 1)
