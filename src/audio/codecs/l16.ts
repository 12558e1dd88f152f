/** L16 samples (RFC 3551 §4.5.11, big-endian) as the little-endian ones of a WAV, or the other way round. An odd byte at the end is left out. */
export const swapL16 = (bytes: Uint8Array): Uint8Array => {
  const swapped = new Uint8Array(bytes.length - (bytes.length % 2))
  for (let at = 0; at < swapped.length; at += 2) {
    swapped[at] = bytes[at + 1] as number
    swapped[at + 1] = bytes[at] as number
  }
  return swapped
}
