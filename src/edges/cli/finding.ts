/** One thing that `doctor` looked at. */
export interface Finding {
  readonly what: string
  readonly verdict: 'ok' | 'warn' | 'fail'
  readonly says: string
}

/** What somebody looked at, as the one sentence that they return, or the error that they end with. */
export const attempt = async (what: string, look: () => Promise<string>): Promise<Finding> => {
  try {
    return { what, verdict: 'ok', says: await look() }
  } catch (error) {
    return { what, verdict: 'fail', says: describe(error) }
  }
}

/** An error in one line. */
export const describe = (error: unknown): string => (error instanceof Error ? error.message : String(error))
