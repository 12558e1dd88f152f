/** A satisfiable range: `startBytes` included, `endBytes` not. */
export interface SatisfiableRange {
  readonly startBytes: number
  readonly endBytes: number
}

/** `whole`: no range that counts; serve everything. `unsatisfiable`: 416. */
export type RangeAnswer = 'whole' | 'unsatisfiable' | SatisfiableRange

const SINGLE = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i

/**
 * What a Range header asks of a representation of `sizeBytes` (RFC 9110 §14.2). A malformed header, another unit or several ranges
 * count as no range at all, which the RFC allows; positions past 2^53 are clamped by the size anyway.
 */
export const answerRange = (header: string | undefined, sizeBytes: number): RangeAnswer => {
  const [, first, last] = (header !== undefined && SINGLE.exec(header)) || []
  if (first === undefined || last === undefined || (first === '' && last === '')) return 'whole'
  if (first === '') return suffix(Number(last), sizeBytes)
  const startBytes = Number(first)
  const endBytes = last === '' ? sizeBytes : Math.min(Number(last) + 1, sizeBytes)
  if (last !== '' && Number(last) < startBytes) return 'whole'
  return startBytes >= sizeBytes ? 'unsatisfiable' : { startBytes, endBytes }
}

const suffix = (lengthBytes: number, sizeBytes: number): RangeAnswer =>
  lengthBytes === 0 || sizeBytes === 0
    ? 'unsatisfiable'
    : { startBytes: Math.max(0, sizeBytes - lengthBytes), endBytes: sizeBytes }
