import { translateError, unavailable } from './translate-error.ts'

const BASE_MS = 15_000
/** The slowest link that is waited for. */
const BYTES_PER_MS_MIN = 128

/** How long a request with a body of this size may take in all, retries included. */
export const deadlineFor = (byteSize: number): number => BASE_MS + byteSize / BYTES_PER_MS_MIN

/**
 * Does work with a deadline, in milliseconds, and gives its failure in our words: MEDIA_UNAVAILABLE when it was too slow. The work's signal is aborted by the deadline until
 * it resolves, and by `signal` also after that. When `signal` is aborted, rejects with its reason.
 */
export const within = async <T>(
  deadlineMs: number,
  work: (abortSignal: AbortSignal) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> => {
  const deadline = new AbortController()
  const timer = setTimeout(() => deadline.abort(), deadlineMs)
  try {
    return await work(signal ? AbortSignal.any([deadline.signal, signal]) : deadline.signal)
  } catch (error) {
    if (signal?.aborted) throw signal.reason
    throw deadline.signal.aborted ? unavailable(error) : translateError(error)
  } finally {
    clearTimeout(timer)
  }
}
