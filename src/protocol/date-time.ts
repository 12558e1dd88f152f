/** RFC 3339 §5.6, seconds optional. */
const DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/i
const YEAR_10000_MS = 253_402_300_800_000

/** Unix milliseconds of an RFC 3339 date-time (seconds may be left out) from 1970 to 9999; undefined for anything else. */
export const parseDateTime = (text: string): number | undefined => {
  const ms = DATE_TIME.test(text) ? Date.parse(text) : Number.NaN
  return ms >= 0 && ms < YEAR_10000_MS ? ms : undefined
}
