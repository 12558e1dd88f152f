const VALUES_MAX = 200
/** A quoted string, a URI in angle brackets, or a comma: what decides where a list is cut. What is never closed goes to the end, so that no text is read twice. */
const CUTS = /"(?:[^"\\]|\\.)*(?:"|$)|<[^>]*(?:>|$)|,/gs

/**
 * The values of a header field that is a comma-separated list (RFC 3261 §7.3.1): commas in quoted strings and in angle brackets do not separate. Empty
 * values are left out; at most 200 are given. One pass over the text.
 */
export const splitHeaderList = (value: string): readonly string[] => {
  const values: string[] = []
  let from = 0
  const cut = (to: number) => {
    const part = value.slice(from, to).trim()
    if (part !== '' && values.length < VALUES_MAX) values.push(part)
    from = to + 1
  }
  for (const { 0: found, index } of value.matchAll(CUTS)) if (found === ',') cut(index)
  cut(value.length)
  return values
}
