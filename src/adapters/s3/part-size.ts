/** Parts of an upload, and the largest object that goes in one request. S3 takes no smaller part than 5 MiB, but for the last. */
export const PART_BYTES = 8 * 1024 ** 2
/** As many parts as S3 takes. */
const PARTS_MAX = 10_000
const PARTS_OF_ONE_SIZE = 1000
const MIB = 1024 ** 2

/** The size of a part, by its number from 1 on, of an object that ends nobody knows where: it doubles every thousand parts, so that 8 TiB fit. */
export const growingPartBytes = (partNumber: number): number =>
  PART_BYTES * 2 ** Math.floor((partNumber - 1) / PARTS_OF_ONE_SIZE)

/** The size of all parts but the last, of an object of a known size. */
export const evenPartBytes = (byteSize: number): number =>
  Math.max(PART_BYTES, Math.ceil(byteSize / PARTS_MAX / MIB) * MIB)
