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

const MULAW_RATE_HZ = 8000

/** What a phone system writes: µ-law, 8 kHz, stereo; a low tone on the left, a high one on the right. */
export const mulawToneOf = (seconds: number): Buffer => {
  const frames = seconds * MULAW_RATE_HZ
  const wav = Buffer.alloc(44 + frames * 2)
  wav.write('RIFF', 0)
  wav.writeUInt32LE(wav.length - 8, 4)
  wav.write('WAVEfmt ', 8)
  wav.writeUInt32LE(16, 16)
  wav.writeUInt16LE(7, 20)
  wav.writeUInt16LE(2, 22)
  wav.writeUInt32LE(MULAW_RATE_HZ, 24)
  wav.writeUInt32LE(MULAW_RATE_HZ * 2, 28)
  wav.writeUInt16LE(2, 32)
  wav.writeUInt16LE(8, 34)
  wav.write('data', 36)
  wav.writeUInt32LE(frames * 2, 40)
  for (let frame = 0; frame < frames; frame += 1) {
    const phase = (2 * Math.PI * frame) / MULAW_RATE_HZ
    wav[44 + frame * 2] = mulawOf(Math.sin(phase * 440) * 8000)
    wav[45 + frame * 2] = mulawOf(Math.sin(phase * 880) * 8000)
  }
  return wav
}

/** ITU-T G.711 µ-law of a 16-bit sample. */
const mulawOf = (sample: number): number => {
  const magnitude = Math.min(Math.abs(Math.round(sample)), 32_635) + 132
  const exponent = 24 - Math.clz32(magnitude)
  const mantissa = (magnitude >> (exponent + 3)) & 0x0f
  return ~((sample < 0 ? 0x80 : 0) | (exponent << 4) | mantissa) & 0xff
}
