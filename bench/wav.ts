/** A PCM WAV of silence-free noise, 8 kHz 16-bit mono, with `dataBytes` of audio (960 000 is one minute). */
export const makeWav = (dataBytes: number): Buffer => {
  const wav = Buffer.alloc(44 + dataBytes)
  wav.write('RIFF', 0)
  wav.writeUInt32LE(36 + dataBytes, 4)
  wav.write('WAVEfmt ', 8)
  wav.writeUInt32LE(16, 16)
  wav.writeUInt16LE(1, 20)
  wav.writeUInt16LE(1, 22)
  wav.writeUInt32LE(8000, 24)
  wav.writeUInt32LE(16_000, 28)
  wav.writeUInt16LE(2, 32)
  wav.writeUInt16LE(16, 34)
  wav.write('data', 36)
  wav.writeUInt32LE(dataBytes, 40)
  for (let offset = 44; offset < wav.length; offset += 4) wav.writeInt32LE((offset * 2_654_435_761) | 0, offset)
  return wav
}
