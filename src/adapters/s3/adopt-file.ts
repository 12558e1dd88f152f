import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, open, unlink } from 'node:fs/promises'
import type { Bucket, ObjectAddress, ObjectHead } from './bucket.ts'
import { evenPartBytes, PART_BYTES } from './part-size.ts'
import { PartUpload } from './part-upload.ts'
import { readObject } from './read-object.ts'
import { conflict, damaged, notFound, translateError, unavailable } from './translate-error.ts'

/**
 * Makes a file an object, and takes the file away once the server has said that the object is there in its whole size. The file is read twice when it does not
 * fit one part: once for its hash, which goes with the object, once for its bytes. Holds three parts at most. At every moment object or file has all the bytes, and what a crash left half
 * done is finished by calling this again. Rejections are the port's.
 */
export const adoptFile = async (
  bucket: Bucket,
  address: ObjectAddress,
  path: string,
  expected?: string,
): Promise<void> => {
  try {
    const file = await openIfThere(path)
    if (!file) {
      if (await bucket.head(address)) return
      throw notFound()
    }
    try {
      await store(bucket, address, file, expected)
    } finally {
      await file.close()
    }
    await unlink(path).catch(unlessAbsent)
  } catch (error) {
    throw translateError(error)
  }
}

const store = async (
  bucket: Bucket,
  address: ObjectAddress,
  file: FileHandle,
  expected: string | undefined,
): Promise<void> => {
  const byteSize = (await file.stat()).size
  const found = await bucket.head(address)
  if (found && found.byteSize !== byteSize) throw conflict()
  const buffer = Buffer.allocUnsafeSlow(Math.min(byteSize, PART_BYTES))
  const sha256 = await hashFile(file, byteSize, buffer)
  if (expected !== undefined && sha256 !== expected) throw damaged()
  if (found) {
    if ((found.sha256 ?? (await hashObject(bucket, address))) !== sha256) throw conflict()
    return
  }
  // The buffer still has all of a small file.
  if (byteSize <= PART_BYTES) await bucket.put(address, buffer, sha256)
  else await sendParts(bucket, address, { file, byteSize, sha256 })
  requireWhole(await bucket.head(address), byteSize)
}

const requireWhole = (stored: ObjectHead | undefined, byteSize: number): void => {
  if (stored?.byteSize === byteSize) return
  throw unavailable(new Error(`${stored?.byteSize ?? 'no'} bytes are there instead of ${byteSize}`))
}

interface WholeFile {
  readonly file: FileHandle
  readonly byteSize: number
  readonly sha256: string
}

const sendParts = async (
  bucket: Bucket,
  address: ObjectAddress,
  { file, byteSize, sha256 }: WholeFile,
): Promise<void> => {
  const upload = await PartUpload.begin(bucket, address, sha256)
  try {
    const partBytes = evenPartBytes(byteSize)
    const spare: Buffer[] = []
    for (let at = 0, number = 1; at < byteSize; at += partBytes, number += 1) {
      const buffer = spare.pop() ?? Buffer.allocUnsafeSlow(partBytes)
      const part = buffer.subarray(0, Math.min(partBytes, byteSize - at))
      await readAll(file, part, at)
      await upload.add(number, part, () => spare.push(buffer))
    }
    await upload.complete(byteSize)
  } catch (error) {
    await upload.abort()
    throw error
  }
}

const hashFile = async (file: FileHandle, byteSize: number, buffer: Buffer): Promise<string> => {
  const digest = createHash('sha256')
  for (let at = 0; at < byteSize; at += buffer.length) {
    const piece = buffer.subarray(0, Math.min(buffer.length, byteSize - at))
    await readAll(file, piece, at)
    digest.update(piece)
  }
  return digest.digest('hex')
}

const readAll = async (file: FileHandle, into: Buffer, positionBytes: number): Promise<void> => {
  for (let done = 0; done < into.length; ) {
    const { bytesRead } = await file.read(into, done, into.length - done, positionBytes + done)
    if (bytesRead === 0) throw unavailable(new Error('the file became shorter'))
    done += bytesRead
  }
}

const hashObject = async (bucket: Bucket, address: ObjectAddress): Promise<string> => {
  const digest = createHash('sha256')
  for await (const chunk of await readObject(bucket, address, undefined, undefined)) digest.update(chunk)
  return digest.digest('hex')
}

const openIfThere = async (path: string): Promise<FileHandle | undefined> => {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  } catch (error) {
    unlessAbsent(error)
    return undefined
  }
}

const unlessAbsent = (error: unknown): void => {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
}
