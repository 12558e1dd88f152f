import { encodeMulaw } from '../../../src/audio/codecs/g711.ts'
import { goertzel } from '../../../src/caller/listen.ts'

/** One sine at a third of full scale. */
export interface Tone {
  readonly frequencyHz: number
  readonly durationMs: number
  readonly sampleRateHz: number
}

const AMPLITUDE = 10_000
const HEADER_BYTES = 44

const samplesOf = ({ frequencyHz, durationMs, sampleRateHz }: Tone): Int16Array =>
  Int16Array.from({ length: (durationMs * sampleRateHz) / 1000 }, (_, index) =>
    Math.round(AMPLITUDE * Math.sin((2 * Math.PI * frequencyHz * index) / sampleRateHz)),
  )

/** A tone as naked G.711 µ-law: what SIPp plays as it is. */
export const mulawTone = (tone: Tone): Uint8Array => encodeMulaw(samplesOf(tone))

/** A tone as a 16-bit mono WAV. */
export const wavTone = (tone: Tone): Uint8Array => {
  const samples = samplesOf(tone)
  const wav = Buffer.alloc(HEADER_BYTES + samples.length * 2)
  wav.write('RIFF', 0)
  wav.writeUInt32LE(wav.length - 8, 4)
  wav.write('WAVEfmt ', 8)
  wav.writeUInt32LE(16, 16)
  wav.writeUInt16LE(1, 20)
  wav.writeUInt16LE(1, 22)
  wav.writeUInt32LE(tone.sampleRateHz, 24)
  wav.writeUInt32LE(tone.sampleRateHz * 2, 28)
  wav.writeUInt16LE(2, 32)
  wav.writeUInt16LE(16, 34)
  wav.write('data', 36)
  wav.writeUInt32LE(samples.length * 2, 40)
  wav.set(new Uint8Array(samples.buffer), HEADER_BYTES)
  return wav
}

/** Which part of the power of a recording is this one frequency, 0 to 1: 1 for a pure tone, half for half silence. */
export const purityOf = (samples: Float32Array, frequencyHz: number, sampleRateHz: number): number => {
  const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length
  return power === 0 ? 0 : goertzel(samples, frequencyHz, sampleRateHz) / 2 / power
}
