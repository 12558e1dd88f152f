/** Castagnoli's polynomial, reflected (RFC 3720 §12.1): finds the burst errors of torn writes better than the CRC of Ethernet and zip. */
const POLYNOMIAL = 0x82f63b78
const SLICES = 8

/** Eight tables, so that eight bytes go at once. */
const TABLES: readonly Uint32Array[] = (() => {
  const first = Uint32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1
    return crc
  })
  const tables = [first]
  for (let slice = 1; slice < SLICES; slice += 1) {
    const before = tables[slice - 1] as Uint32Array
    tables.push(before.map((crc) => (crc >>> 8) ^ (first[crc & 255] as number)))
  }
  return tables
})()

const [T0, T1, T2, T3, T4, T5, T6, T7] = TABLES as unknown as readonly [
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
]

/** CRC-32C of `bytes` from `from` to `to` (excluded), as an unsigned number. */
export const crc32c = (bytes: Uint8Array, from = 0, to = bytes.length): number => {
  let crc = 0xffffffff
  let at = from
  for (; at + SLICES <= to; at += SLICES) {
    crc ^=
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)
    crc =
      (T7[crc & 255] as number) ^
      (T6[(crc >>> 8) & 255] as number) ^
      (T5[(crc >>> 16) & 255] as number) ^
      (T4[crc >>> 24] as number) ^
      (T3[bytes[at + 4] as number] as number) ^
      (T2[bytes[at + 5] as number] as number) ^
      (T1[bytes[at + 6] as number] as number) ^
      (T0[bytes[at + 7] as number] as number)
  }
  for (; at < to; at += 1) crc = (crc >>> 8) ^ (T0[(crc ^ (bytes[at] as number)) & 255] as number)
  return (crc ^ 0xffffffff) >>> 0
}
