/** One line of the table: our figure against a reference's, measured in the same run. */
export interface Line {
  readonly work: string
  readonly against: string
  /** Median of the rounds' ratios; absent for a plain figure. */
  readonly ratio?: number
  readonly target: string
  readonly isReached: boolean
  readonly ours: string
  readonly reference: string
  /** Every round's ratio (or figure), in order. */
  readonly rounds: readonly number[]
}

/** A plain figure, to reckon with; it is compared with nothing. */
export const figure = (work: string, value: number, unit: string): Line => ({
  work,
  against: '–',
  target: '–',
  isReached: true,
  ours: `${formatNumber(value)} ${unit}`,
  reference: '–',
  rounds: [value],
})

/** The middle of the values. */
export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
}

/** Measures ours and the reference in turns, `rounds` times, and gives the line with the median ratio. */
export const compare = async (parts: {
  readonly work: string
  readonly against: string
  readonly targetRatio: number
  readonly rounds: number
  readonly unit: string
  readonly ours: () => Promise<number>
  readonly reference: () => Promise<number>
}): Promise<Line> => {
  const { work, against, targetRatio, unit } = parts
  const pairs: (readonly [ours: number, reference: number])[] = []
  for (let round = 0; round < parts.rounds; round += 1) pairs.push([await parts.ours(), await parts.reference()])
  const rounds = pairs.map(([ours, reference]) => ours / reference)
  const ratio = median(rounds)
  const show = (values: readonly number[]) => `${formatNumber(median(values))} ${unit}`
  return {
    work,
    against,
    ratio,
    target: `≥ ${targetRatio}`,
    isReached: ratio >= targetRatio,
    ours: show(pairs.map(([ours]) => ours)),
    reference: show(pairs.map(([, reference]) => reference)),
    rounds,
  }
}

/** Three significant digits, thousands apart. */
export const formatNumber = (value: number): string => value.toLocaleString('en', { maximumSignificantDigits: 3 })
