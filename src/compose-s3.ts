import type { connectS3MediaStore } from './adapters/s3/media-store.ts'
import type { PoulsenError } from './domain/errors.ts'

/** A media store in S3 that was not asked anything yet. */
export type ConnectedS3 = ReturnType<typeof connectS3MediaStore>

/** Connects to the bucket of a URL. Throws what `refusal` makes of what is allowed when the URL is wrong. */
export const connectS3 = async (url: string, refusal: (allowed: string) => PoulsenError): Promise<ConnectedS3> => {
  // Loaded only when it is used: it is large.
  const { connectS3MediaStore } = await import('./adapters/s3/media-store.ts')
  const { parseS3Url } = await import('./adapters/s3/s3-url.ts')
  const location = parseS3Url(url)
  if (typeof location === 'string') throw refusal(location)
  return connectS3MediaStore({ location })
}
