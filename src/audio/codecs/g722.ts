import { G722Band, HIGH_BAND, LOW_BAND, saturate } from './g722-band.ts'

// ITU-T G.722 (09/2012) at 64 kbit/s: the band is split in two by a quadrature mirror filter; the lower half is coded with six bits a sample, the upper with two.

/** Half of the filter's 24 coefficients; the other half mirrors it (table 11). */
const FILTER = Int32Array.of(3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11)
const TAPS = 24
const LINE_SAMPLES = 512

/** Scale factor multipliers by the four upper bits of a lower-band code (WL by RL42), and by an upper-band code (WH by RH2). */
const LOW_MULTIPLIERS = Int32Array.of(-60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60)
const HIGH_MULTIPLIERS = Int32Array.of(798, -214, 798, -214)

const HIGH_LEVELS = Int32Array.of(-7408, -1616, 7408, 1616)
const LEVELS_4 = Int32Array.of(
  0,
  -20456,
  -12896,
  -8968,
  -6288,
  -4240,
  -2584,
  -1200,
  20456,
  12896,
  8968,
  6288,
  4240,
  2584,
  1200,
  0,
)
/** Output levels of six bits for positive codes 32 to 61; negative codes 4 to 31 mirror the first of them. */
const POSITIVE_LEVELS_6 = [
  24808, 21904, 19008, 16704, 14984, 13512, 12280, 11192, 10232, 9360, 8576, 7856, 7192, 6576, 6000, 5456, 4944, 4464,
  4008, 3576, 3168, 2776, 2400, 2032, 1688, 1360, 1040, 728, 432, 136,
]
const LEVELS_6 = Int32Array.of(
  ...[-136, -136, -136, -136],
  ...POSITIVE_LEVELS_6.slice(0, 28).map((level) => -level),
  ...POSITIVE_LEVELS_6,
  ...[-432, -136],
)
/** Decision levels of the lower band's quantiser (Q6). */
const DECISIONS_6 = Int32Array.of(
  ...[
    0, 35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940, 1023, 1121, 1219, 1339,
  ],
  ...[1458, 1612, 1765, 1980, 2195, 2557, 2919],
)
const HIGH_DECISION = 564

/** The delay line of the filter: two samples in, two out. The line moves along its buffer and starts over now and then, so that samples stay where they are. */
class MirrorFilter {
  readonly #line = new Int32Array(LINE_SAMPLES)
  #from = 0
  even = 0
  odd = 0

  push(first: number, second: number): void {
    const line = this.#line
    if (this.#from + TAPS + 2 > LINE_SAMPLES) {
      line.copyWithin(0, this.#from)
      this.#from = 0
    }
    const from = this.#from + 2
    this.#from = from
    line[from + TAPS - 2] = first
    line[from + TAPS - 1] = second
    let even = 0
    let odd = 0
    for (let tap = 0; tap < TAPS / 2; tap += 1) {
      even += Math.imul(line[from + 2 * tap] as number, FILTER[tap] as number)
      odd += Math.imul(line[from + 2 * tap + 1] as number, FILTER[TAPS / 2 - 1 - tap] as number)
    }
    this.even = even
    this.odd = odd
  }
}

const clampBand = (value: number): number => (value > 16_383 ? 16_383 : value < -16_384 ? -16_384 : value)

/** Decodes a stream of G.722; every byte becomes two samples at 16 kHz. Adaptive: one decoder a stream, in order; a new one begins anew. Never throws. */
export class G722Decoder {
  readonly #low = new G722Band(LOW_BAND)
  readonly #high = new G722Band(HIGH_BAND)
  readonly #filter = new MirrorFilter()

  decode(bytes: Uint8Array): Int16Array<ArrayBuffer> {
    const samples = new Int16Array(bytes.length * 2)
    const filter = this.#filter
    for (let index = 0; index < bytes.length; index += 1) {
      const code = bytes[index] as number
      const low = this.#decodeLow(code & 63)
      const high = this.#decodeHigh(code >> 6)
      filter.push(low + high, low - high)
      samples[2 * index] = saturate(filter.odd >> 11)
      samples[2 * index + 1] = saturate(filter.even >> 11)
    }
    return samples
  }

  #decodeLow(code: number): number {
    const band = this.#low
    const sample = clampBand(band.prediction + (Math.imul(band.scale, LEVELS_6[code] as number) >> 15))
    adaptLow(band, code)
    return sample
  }

  #decodeHigh(code: number): number {
    const band = this.#high
    const sample = clampBand(band.prediction + (Math.imul(band.scale, HIGH_LEVELS[code] as number) >> 15))
    adaptHigh(band, code)
    return sample
  }
}

/** The lower band adapts by the four upper bits alone, so that the lower ones may be lost on the way. */
const adaptLow = (band: G722Band, code: number): void => {
  const difference = Math.imul(band.scale, LEVELS_4[code >> 2] as number) >> 15
  band.adaptScale(LOW_MULTIPLIERS[code >> 2] as number)
  band.predict(difference)
}

const adaptHigh = (band: G722Band, code: number): void => {
  const difference = Math.imul(band.scale, HIGH_LEVELS[code] as number) >> 15
  band.adaptScale(HIGH_MULTIPLIERS[code] as number)
  band.predict(difference)
}

/** The first decision level, from 1, that lies above a size (QUANTL); one past the last for what is louder than all. */
const levelOf = (size: number, scale: number): number => {
  let from = 1
  let to = DECISIONS_6.length
  while (from < to) {
    const middle = (from + to) >> 1
    if (size >= Math.imul(DECISIONS_6[middle] as number, scale) >> 12) from = middle + 1
    else to = middle
  }
  return from
}

/** Encodes a stream to G.722; every two samples at 16 kHz become a byte. */
export class G722Encoder {
  readonly #low = new G722Band(LOW_BAND)
  readonly #high = new G722Band(HIGH_BAND)
  readonly #filter = new MirrorFilter()

  /** `samples` at 16 kHz, an even number of them; one left over is not encoded. */
  encode(samples: Int16Array): Uint8Array {
    const bytes = new Uint8Array(samples.length >> 1)
    const filter = this.#filter
    for (let index = 0; index < bytes.length; index += 1) {
      filter.push(samples[2 * index] as number, samples[2 * index + 1] as number)
      const low = this.#encodeLow((filter.odd + filter.even) >> 14)
      const high = this.#encodeHigh((filter.odd - filter.even) >> 14)
      bytes[index] = (high << 6) | low
    }
    return bytes
  }

  #encodeLow(sample: number): number {
    const band = this.#low
    const error = saturate(sample - band.prediction)
    const size = error >= 0 ? error : -(error + 1)
    const level = levelOf(size, band.scale)
    const code = error >= 0 ? 62 - level : level < 3 ? 64 - level : 34 - level
    adaptLow(band, code)
    return code
  }

  #encodeHigh(sample: number): number {
    const band = this.#high
    const error = saturate(sample - band.prediction)
    const size = error >= 0 ? error : -(error + 1)
    const isLarge = size >= Math.imul(HIGH_DECISION, band.scale) >> 12
    const code = error >= 0 ? (isLarge ? 2 : 3) : isLarge ? 0 : 1
    adaptHigh(band, code)
    return code
  }
}
