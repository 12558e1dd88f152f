import { isDeepStrictEqual } from 'node:util'
import { PAGE_SIZE_MAX } from '../../domain/page.ts'
import type { Project } from '../../domain/project.ts'
import type { PublishToken } from '../../domain/publish-token.ts'
import type { Token } from '../../domain/token.ts'
import type { Trunk } from '../../domain/trunk.ts'
import type { Catalogue } from '../../ports/catalogue.ts'
import { pairSorted } from './pair-sorted.ts'

/** Makes projects, tokens, trunks and publish tokens at the target what they are at the source; the projects of both. Projects that the source has no more stay, as their recordings may. */
export const mirrorSettings = async (source: Catalogue, target: Catalogue): Promise<readonly Project[]> => {
  const projects = await source.listProjects()
  for (const project of projects) await putProject(target, project)
  // A project that came since is for another run, and all that belongs to it.
  const ids = new Set(projects.map(({ id }) => id))
  const ofThese = ({ projectId }: { readonly projectId: string }) => ids.has(projectId)
  const targets = await target.listProjects()
  await mirror<Token>(await tokensOf(source, projects), await tokensOf(target, targets), {
    remove: ({ projectId, id }) => target.deleteToken(projectId, id),
    create: (token) => target.createToken(token),
  })
  await mirror<Trunk>((await source.listTrunks()).filter(ofThese), await target.listTrunks(), {
    remove: ({ id }) => target.deleteTrunk(id),
    create: (trunk) => target.createTrunk(trunk),
  })
  await mirrorPublishTokens(source, target, ofThese)
  return targets
}

const putProject = async (target: Catalogue, project: Project): Promise<void> => {
  const found = await target.findProject(project.id)
  if (!found) return target.createProject(project)
  const { name, protectRecordings, recordingPricePerMinute, mediaUrlTtlSeconds = null } = project
  if (!isDeepStrictEqual(found, project))
    await target.updateProject(project.id, {
      name,
      protectRecordings,
      recordingPricePerMinute,
      mediaUrlTtlSeconds,
    })
}

const tokensOf = async (catalogue: Catalogue, projects: readonly Project[]): Promise<readonly Token[]> => {
  const tokens: Token[] = []
  for (const { id } of projects) tokens.push(...(await catalogue.listTokens(id)))
  return tokens
}

/** Rows are removed before others are made: what must be unique (a digest, a user name) may have gone from one to another. */
const mirror = async <T extends { readonly id: string; readonly projectId: string }>(
  sources: readonly T[],
  targets: readonly T[],
  write: { readonly remove: (row: T) => Promise<unknown>; readonly create: (row: T) => Promise<unknown> },
): Promise<void> => {
  const keyOf = ({ projectId, id }: T) => `${projectId} ${id}`
  const stored = new Map(targets.map((row) => [keyOf(row), row]))
  const missing = sources.filter((row) => !isDeepStrictEqual(stored.get(keyOf(row)), row))
  const wanted = new Set(sources.map(keyOf))
  for (const row of targets) if (!wanted.has(keyOf(row))) await write.remove(row)
  for (const row of missing) if (stored.has(keyOf(row))) await write.remove(row)
  for (const row of missing) await write.create(row)
}

/** Those that the source has no more had expired: the target's server removes them as well. */
const mirrorPublishTokens = async (
  source: Catalogue,
  target: Catalogue,
  isWanted: (token: PublishToken) => boolean,
): Promise<void> => {
  const byDigest = (a: PublishToken, b: PublishToken) => (a.digest === b.digest ? 0 : a.digest < b.digest ? -1 : 1)
  for await (const pair of pairSorted(publishTokens(source), publishTokens(target), byDigest)) {
    const token = pair.source
    if (!token || !isWanted(token)) continue
    if (!pair.target) await target.createPublishToken(token)
    else if (token.isUsed && !pair.target.isUsed) await target.usePublishToken(token.digest, 0)
    else if (!token.isUsed && pair.target.isUsed) await target.freePublishToken(token.digest)
  }
}

async function* publishTokens(catalogue: Catalogue): AsyncGenerator<PublishToken> {
  let after: string | undefined
  do {
    const page = await catalogue.listPublishTokens(PAGE_SIZE_MAX, after)
    yield* page
    after = page.length < PAGE_SIZE_MAX ? undefined : page.at(-1)?.digest
  } while (after !== undefined)
}
