import type { ClusterNode } from '../cluster.ts'

const ERROR = 50
/** What a log says while PostgreSQL, S3 or a peer is away. */
const EXPECTED = new Set(['CATALOGUE_UNAVAILABLE', 'MEDIA_UNAVAILABLE', 'MEDIA_STORE_UNUSABLE', 'MEDIA_ELSEWHERE'])

interface LogLine {
  readonly level: number
  readonly msg?: string
  readonly err?: { readonly code?: string; readonly message?: string }
}

/** Lines of a node's log that tell of an error that no outage explains. */
export const surprises = ({ log }: ClusterNode): readonly string[] =>
  log.split('\n').filter((line) => {
    if (!line.startsWith('{')) return false
    const { level, err } = parse(line)
    return level >= ERROR && !EXPECTED.has(err?.code ?? '')
  })

/** The last line of a process that was killed may be cut. */
const parse = (line: string): LogLine => {
  try {
    return JSON.parse(line) as LogLine
  } catch {
    return { level: 0 }
  }
}
