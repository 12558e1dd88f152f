import { parseUuid, type Uuid } from '../domain/uuid.ts'
import type { MediaKey } from '../ports/media-store.ts'

/** Whose bytes a media key names. */
export interface MediaOwner {
  readonly projectId: Uuid
  readonly recordingId: Uuid
}

/**
 * The key of a recording's bytes: `<project>/<last 2 digits of id>/<id>.<nonce>`. The nonce makes every attempt to store the
 * same recording its own object, so that of two rivals the loser can clean up without touching the winner's bytes.
 */
export const formatMediaKey = (owner: MediaOwner, nonce: string): MediaKey =>
  `${owner.projectId}/${owner.recordingId.slice(-2)}/${owner.recordingId}.${nonce}`

/** What all keys of a recording begin with, of whichever attempt and whatever is derived of it. */
export const mediaKeyPrefix = ({ projectId, recordingId }: MediaOwner): string =>
  formatMediaKey({ projectId, recordingId }, '')

/** The owner that a key (of original or derived bytes) names, or undefined when the key is not one of ours. */
export const parseMediaKey = (key: MediaKey): MediaOwner | undefined => {
  const [project = '', , file = '', ...rest] = key.split('/')
  const projectId = parseUuid(project)
  const recordingId = parseUuid(file.slice(0, file.indexOf('.')))
  return projectId && recordingId && rest.length === 0 ? { projectId, recordingId } : undefined
}
