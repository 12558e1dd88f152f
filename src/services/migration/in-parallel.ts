/**
 * Does `work` with every item, at most `max` at a time, and asks for the next item when there is room. After a failure nothing more is begun; rejects with the first of
 * them once all that had begun has ended.
 */
export const inParallel = async <T>(
  items: AsyncIterable<T>,
  max: number,
  work: (item: T) => Promise<void>,
): Promise<void> => {
  const iterator = items[Symbol.asyncIterator]()
  const failures: unknown[] = []
  const worker = async () => {
    try {
      for (let next = await iterator.next(); !next.done && failures.length === 0; next = await iterator.next())
        await work(next.value)
    } catch (error) {
      failures.push(error)
    }
  }
  await Promise.all(Array.from({ length: max }, worker))
  if (failures.length > 0) throw failures[0]
}
