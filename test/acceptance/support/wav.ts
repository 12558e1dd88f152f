/** A small 8 kHz 16-bit mono WAV whose content is different for every seed: `byteSize` must be even and at least 46. */
export const wavOf = (seed: number, byteSize: number): Buffer => {
  const wav = Buffer.alloc(byteSize)
  wav.write('RIFF', 0)
  wav.writeUInt32LE(byteSize - 8, 4)
  wav.write('WAVEfmt ', 8)
  wav.writeUInt32LE(16, 16)
  wav.writeUInt16LE(1, 20)
  wav.writeUInt16LE(1, 22)
  wav.writeUInt32LE(8000, 24)
  wav.writeUInt32LE(16_000, 28)
  wav.writeUInt16LE(2, 32)
  wav.writeUInt16LE(16, 34)
  wav.write('data', 36)
  wav.writeUInt32LE(byteSize - 44, 40)
  let state = seed | 1
  for (let offset = 44; offset + 1 < byteSize; offset += 2) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    wav.writeInt16LE(state >> 16, offset)
  }
  return wav
}
