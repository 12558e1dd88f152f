import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { StatefulSet } from 'kubernetes-types/apps/v1.d.ts'
import type { ConfigMap, Probe, Secret, Service } from 'kubernetes-types/core/v1.d.ts'
import type { NetworkPolicy } from 'kubernetes-types/networking/v1.d.ts'
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.d.ts'
import { describe, expect, it } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { configOf, FILLED_IN } from './deployed-settings.ts'

const FOLDER = 'deploy/kubernetes'
const KUSTOMIZATION = 'kustomization.yaml'
const PATCH = 'host-network.patch.yaml'

interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string }
}

const files = readdirSync(FOLDER).filter((name) => name !== KUSTOMIZATION)
const read = (name: string): readonly Manifest[] =>
  parseAllDocuments(readFileSync(join(FOLDER, name), 'utf8')).map((document) => document.toJS() as Manifest)
const manifests = files.filter((name) => name !== PATCH).flatMap(read)
const every = <T>(kind: string): readonly T[] => manifests.filter((each) => each.kind === kind) as unknown as T[]
const only = <T>(kind: string): T => {
  const [found, ...others] = every<T>(kind)
  if (!found || others.length > 0) throw new Error(`${others.length + 1} of ${kind}`)
  return found
}

const pod = only<StatefulSet>('StatefulSet').spec!.template
const labels = pod.metadata!.labels!
const container = pod.spec!.containers[0]!
const portOf = (name: string): number | undefined => container.ports?.find((each) => each.name === name)?.containerPort

const environment = {
  ...only<ConfigMap>('ConfigMap').data,
  POULSEN_CATALOGUE: only<Secret>('Secret').stringData?.POULSEN_CATALOGUE,
  ...FILLED_IN,
}
const config = configOf(environment)

/** `networking.k8s.io/v1` → `networking/v1`, where the package has the types; `v1` is `core/v1`. */
const moduleOf = ({ apiVersion }: Manifest): string => {
  const [version = '', group = 'core'] = apiVersion.split('/').reverse()
  return resolve(`node_modules/kubernetes-types/${group.split('.')[0]}/${version}`)
}

/** What the compiler says of manifests as values of Kubernetes' types: fields that there are none of, that are missing, or of another type. */
const complaintsOf = (each: readonly Manifest[], isPart = false): string => {
  const folder = mkdtempSync(join(tmpdir(), 'poulsen-manifests-'))
  const part = 'type Part<T> = T extends object ? { [K in keyof T]?: Part<T[K]> } : T'
  const lines = each.map((manifest, index) => {
    const type = `import(${JSON.stringify(moduleOf(manifest))}).${manifest.kind}`
    return `export const m${index}: ${isPart ? `Part<${type}>` : type} = ${JSON.stringify(manifest)}`
  })
  writeFileSync(join(folder, 'manifests.ts'), [...(isPart ? [part] : []), ...lines].join('\n'))
  const tsc = resolve('node_modules/.bin/tsc')
  const flags = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'esnext', '--moduleResolution', 'bundler']
  const { stdout, stderr } = spawnSync(tsc, [...flags, 'manifests.ts'], { cwd: folder, encoding: 'utf8' })
  rmSync(folder, { recursive: true })
  return stdout + stderr
}

describe('deploy/kubernetes', () => {
  it('is made of resources as Kubernetes defines them, whose types would tell of a slip', () => {
    expect(manifests.map(({ kind }) => kind).sort()).toEqual([
      'ConfigMap',
      'NetworkPolicy',
      'PodDisruptionBudget',
      'Secret',
      'Service',
      'Service',
      'Service',
      'StatefulSet',
    ])
    expect(complaintsOf(manifests)).toBe('')
    expect(complaintsOf(read(PATCH), true)).toBe('')
    const text = JSON.stringify(manifests).replace('readOnlyRootFilesystem', 'readOnlyRootFileSystem')
    expect(complaintsOf(JSON.parse(text) as Manifest[])).toContain('readOnlyRootFileSystem')
  })

  it('applies every file, but for the example and what is to be chosen', () => {
    const { resources } = parse(readFileSync(join(FOLDER, KUSTOMIZATION), 'utf8')) as { resources: string[] }
    expect([...resources, PATCH, 'secret.example.yaml'].sort()).toEqual([...files].sort())
  })

  it('gives settings that the server takes, and nothing that Kubernetes adds to them', () => {
    expect(config).toMatchObject({ host: '0.0.0.0', ...{ catalogue: environment.POULSEN_CATALOGUE } })
    expect(pod.spec?.enableServiceLinks).toBe(false)
    const names = container.envFrom?.map(({ configMapRef, secretRef }) => (configMapRef ?? secretRef)?.name)
    expect(names).toEqual([only<Manifest>('ConfigMap').metadata.name, only<Manifest>('Secret').metadata.name])
    const nodeUrl = container.env?.find(({ name }) => name === 'POULSEN_NODE_URL')?.value
    expect(nodeUrl).toBe(`http://$(POD_NAME).${only<StatefulSet>('StatefulSet').spec?.serviceName}:${config.port}`)
  })

  it('probes, serves and lets in the ports that the server listens on', () => {
    expect([portOf('http'), portOf('sip'), portOf('sip-tcp')]).toEqual([config.port, 5060, 5060])
    expect(config.sipListen.map(({ transport, port }) => `${transport}:${port}`)).toEqual(['udp:5060', 'tcp:5060'])
    const paths = (['startupProbe', 'livenessProbe', 'readinessProbe'] as const).map((name) => container[name]?.httpGet)
    expect(paths).toEqual(['/healthz', '/healthz', '/readyz'].map((path) => ({ path, port: 'http' })) as Probe[])
    for (const { spec } of every<Service>('Service'))
      for (const { targetPort } of spec?.ports ?? []) expect(portOf(String(targetPort))).toBeDefined()
    const [http, calls] = only<NetworkPolicy>('NetworkPolicy').spec!.ingress!
    expect(http?.ports).toEqual([{ protocol: 'TCP', port: config.port }])
    const { first, last } = config.rtpPorts
    expect(calls?.ports).toContainEqual({ protocol: 'UDP', port: first, endPort: last })
    expect(calls?.ports).toContainEqual({ protocol: 'UDP', port: portOf('sip') })
  })

  it('waits longer for a stop than the stop waits for calls', () => {
    const pauseSeconds = Number(container.lifecycle?.preStop?.exec?.command?.[1])
    const neededSeconds = pauseSeconds + config.shutdownDeadlineSeconds + 15
    expect(pod.spec?.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(neededSeconds)
  })

  it('selects its own pods, and mounts what there is where the image has its data', () => {
    const selectors = [
      only<StatefulSet>('StatefulSet').spec?.selector.matchLabels,
      only<PodDisruptionBudget>('PodDisruptionBudget').spec?.selector?.matchLabels,
      only<NetworkPolicy>('NetworkPolicy').spec?.podSelector?.matchLabels,
      ...every<Service>('Service').map(({ spec }) => spec?.selector),
    ]
    expect(new Set(selectors.map((each) => JSON.stringify(each)))).toEqual(new Set([JSON.stringify(labels)]))
    const claims = only<StatefulSet>('StatefulSet').spec?.volumeClaimTemplates?.map(({ metadata }) => metadata?.name)
    const volumes = [...(claims ?? []), ...(pod.spec?.volumes ?? []).map(({ name }) => name)]
    expect(container.volumeMounts?.map(({ name }) => name).sort()).toEqual(volumes.sort())
    const image = readFileSync('deploy/Dockerfile', 'utf8')
    const mount = container.volumeMounts?.find(({ name }) => name === 'data')?.mountPath
    expect(image).toContain(`POULSEN_DATA_DIR=${mount}`)
    expect(image).toContain(`\nUSER ${pod.spec?.securityContext?.runAsUser}\n`)
  })
})
