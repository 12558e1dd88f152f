import { PERMISSIONS } from '../domain/token.ts'
import type { Uuid } from '../domain/uuid.ts'
import type { Catalogue } from '../ports/catalogue.ts'
import { digestOf } from './access.ts'
import type { Projects } from './projects.ts'
import type { Tokens } from './tokens.ts'
import type { Trunks } from './trunks.ts'

/** What a scripted install asks for. */
export interface BootstrapRequest {
  readonly projectId?: Uuid
  readonly secret?: string
}

/** The first project and its token, with the secret that is shown once. */
export interface Bootstrapped {
  readonly projectId: Uuid
  readonly secret: string
}

/** This machine: a softphone on it can call at once. */
const LOOPBACK_TRUNK = { name: 'loopback', legType: 'sip', networks: ['127.0.0.0/8', '::1'] } as const

/**
 * First start: makes a project and an all-permissions token when there is no project yet, or makes sure that the configured
 * ones exist. The very first project gets a trunk that takes calls from this machine. Returns what was made; undefined when nothing was.
 */
export const bootstrap = async (
  services: {
    readonly catalogue: Catalogue
    readonly projects: Projects
    readonly tokens: Tokens
    readonly trunks: Trunks
  },
  request: BootstrapRequest,
): Promise<Bootstrapped | undefined> => {
  const { catalogue, projects, tokens, trunks } = services
  const known = await projects.list()
  if (known.length > 0 && !request.projectId && !request.secret) return undefined
  const wanted = request.projectId ?? known[0]?.id
  const found = wanted === undefined ? undefined : await projects.find(wanted)
  const { id: projectId } = found ?? (await projects.create(wanted === undefined ? {} : { id: wanted }))
  // Of nodes that start for the first time together, the one that has made the project.
  if (known.length === 0 && !found) await trunks.create({ projectId, ...LOOPBACK_TRUNK })
  const given = request.secret
  if (given && (await catalogue.findToken(digestOf(given)))?.projectId === projectId) return undefined
  if (!given && (await tokens.list(projectId)).length > 0) return undefined
  const name = 'bootstrap'
  const { secret } = await tokens.create({ projectId, name, permissions: PERMISSIONS, ...(given && { secret: given }) })
  return { projectId, secret }
}
