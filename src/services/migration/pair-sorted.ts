/** What two lists have at one place: a row of either, or of both. */
export type Pair<T> =
  | { readonly source: T; readonly target: T }
  | { readonly source: T; readonly target?: undefined }
  | { readonly source?: undefined; readonly target: T }

/**
 * Walks two lists that are sorted alike, side by side. `compare` gives what a sort takes, 0 for the same place; no list has two rows at one place. Of either list at
 * most one row is read ahead.
 */
export async function* pairSorted<T>(
  sources: AsyncIterable<T>,
  targets: AsyncIterable<T>,
  compare: (a: T, b: T) => number,
): AsyncGenerator<Pair<T>> {
  const [left, right] = [sources[Symbol.asyncIterator](), targets[Symbol.asyncIterator]()]
  let [source, target] = [await nextOf(left), await nextOf(right)]
  while (source !== undefined || target !== undefined) {
    const order = orderOf(source, target, compare)
    if (source !== undefined && target !== undefined && order === 0) yield { source, target }
    else if (source !== undefined && order <= 0) yield { source }
    else if (target !== undefined) yield { target }
    if (order <= 0) source = await nextOf(left)
    if (order >= 0) target = await nextOf(right)
  }
}

const nextOf = async <T>(iterator: AsyncIterator<T>): Promise<T | undefined> => {
  const next = await iterator.next()
  return next.done ? undefined : next.value
}

const orderOf = <T>(source: T | undefined, target: T | undefined, compare: (a: T, b: T) => number): number => {
  if (target === undefined) return -1
  return source === undefined ? 1 : compare(source, target)
}
