import type { PublisherMetadata, PublishToken } from '../../domain/publish-token.ts'
import type { Cell } from './rows.ts'

type PublishTokenCells = [string, string, string, number, string | null, string, number]

/** A publish token as cells: digest, project, endpoint, expiry, leg, metadata, used. */
export const publishTokenCells = (token: PublishToken): Cell[] => [
  token.digest,
  token.projectId,
  token.endpoint,
  token.expiresAtMs,
  token.legId ?? null,
  JSON.stringify(token.metadata),
  token.isUsed ? 1 : 0,
]

/** A publish token from its cells. */
export const publishTokenOf = (cells: unknown): PublishToken => {
  const [digest, projectId, endpoint, expiresAtMs, legId, metadata, isUsed] = cells as PublishTokenCells
  return {
    digest,
    projectId,
    endpoint,
    expiresAtMs,
    ...(legId !== null && { legId }),
    metadata: JSON.parse(metadata) as PublisherMetadata,
    isUsed: isUsed === 1,
  }
}
