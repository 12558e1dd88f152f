import { BURST_AMPLITUDE, type Burst, MS_PER_SECOND, PILOT_AMPLITUDE, type SignalPlan } from './signal.ts'
import { ALL_PITCHES } from './tones.ts'

/** A stretch in which nothing is heard, not even the pilot. */
export interface Silence {
  readonly startMs: number
  readonly durationMs: number
}

/** What was heard in one channel of decoded audio. */
export interface Heard {
  readonly durationMs: number
  /** In order of time. `frequencyHz` is the nearest pitch of any leg; absent when the sound was searched for speech. */
  readonly bursts: readonly Burst[]
  readonly silences: readonly Silence[]
}

/** The loudness of a stretch is that of a window of this length; a whole number of half periods of every pitch, nearly. */
const WINDOW_MS = { tones: 5, speech: 10 } as const
/** A burst is where the power is above this part of its plateau: half, for a tone whose plateau is flat, gives the onset exactly. */
const THRESHOLD = { tones: 0.5, speech: 0.1 } as const
/** Shorter ones are clicks at the edges of missing frames. */
const BURST_MIN_MS = 8
/** Bursts of the same sound closer than this are one: a dip, not an end. */
const DIP_MAX_MS = { tones: 6, speech: 40 } as const
/** Longer than half a period of any pilot, so that a passage through zero is no silence. */
const SILENCE_WINDOW_MS = 4
const SILENCE_MIN_MS = 5
/** A three-hundredth of the pilot's power: a decoder that has lost packets may be far too quiet for a while, a gap is digital silence. */
const SILENCE_POWER = (PILOT_AMPLITUDE * PILOT_AMPLITUDE) / 2 / 300
/** Whatever is quieter than this is no burst, however quiet the whole is. */
const PLATEAU_POWER_MIN = (BURST_AMPLITUDE * BURST_AMPLITUDE) / 2 / 30
/** The middle of a burst that is looked at for its pitch. */
const PITCH_MAX_MS = 100
/** It is looked at in pieces of this length, over which pitches 80 Hz apart drown each other out: a step between two samples in its midst would hide a pitch from all of it. */
const PITCH_PIECE_MS = 25

/**
 * Measures one channel, −1 to 1, without knowing what was sent: where sound begins and ends (to a sample or so where it is clean, within 2 ms after
 * a lossy codec), its pitch, and where there is none. Linear in the number of samples.
 */
export const listen = (samples: Float32Array, sampleRateHz: number, kind: SignalPlan['kind'] = 'tones'): Heard => {
  const perMs = sampleRateHz / MS_PER_SECOND
  const stretches = loudStretches(samples, perMs, kind)
  return {
    durationMs: samples.length / perMs,
    bursts: stretches.map(([from, to]) => ({
      startMs: from / perMs,
      durationMs: (to - from) / perMs,
      ...(kind === 'tones' && { frequencyHz: pitchOf(samples, from, to, sampleRateHz) }),
    })),
    silences: silencesOf(samples, perMs),
  }
}

/** Runs `look(power, end)` on the mean power of every window of `length` samples, `end` being the sample behind it. */
const eachWindow = (samples: Float32Array, length: number, look: (power: number, end: number) => void): void => {
  let sum = 0
  for (let end = 1; end <= samples.length; end += 1) {
    sum += (samples[end - 1] as number) ** 2
    if (end > length) sum -= (samples[end - 1 - length] as number) ** 2
    if (end >= length) look(sum / length, end)
  }
}

type Stretch = readonly [from: number, to: number]

const loudStretches = (samples: Float32Array, perMs: number, kind: SignalPlan['kind']): readonly Stretch[] => {
  const length = Math.round(WINDOW_MS[kind] * perMs)
  const threshold = THRESHOLD[kind] * plateauOf(samples, length)
  const found: Stretch[] = []
  let from: number | undefined
  const close = (to: number) => {
    if (from === undefined) return
    const last = found.at(-1)
    if (last && from - last[1] < DIP_MAX_MS[kind] * perMs) found[found.length - 1] = [last[0], to]
    else found.push([from, to])
    from = undefined
  }
  // A window counts for its middle.
  eachWindow(samples, length, (power, end) => {
    if (power < threshold) close(end - length / 2)
    else from ??= end - length / 2
  })
  close(samples.length)
  return found.filter(([start, end]) => end - start >= BURST_MIN_MS * perMs)
}

/** The power inside bursts: the median of all windows that are far above the pilot. */
const plateauOf = (samples: Float32Array, length: number): number => {
  const powers: number[] = []
  eachWindow(samples, length, (power, end) => {
    if (end % length === 0 && power > PLATEAU_POWER_MIN) powers.push(power)
  })
  powers.sort((a, b) => a - b)
  return powers[powers.length >> 1] ?? PLATEAU_POWER_MIN / THRESHOLD.speech
}

const silencesOf = (samples: Float32Array, perMs: number): readonly Silence[] => {
  const length = Math.round(SILENCE_WINDOW_MS * perMs)
  const found: { startMs: number; endMs: number }[] = []
  // All samples of all quiet windows: the edges are exact where sound is cut off hard.
  eachWindow(samples, length, (power, end) => {
    if (power >= SILENCE_POWER) return
    const last = found.at(-1)
    if (last && last.endMs * perMs >= end - length - 0.5) last.endMs = end / perMs
    else found.push({ startMs: (end - length) / perMs, endMs: end / perMs })
  })
  return found
    .map(({ startMs, endMs }) => ({ startMs, durationMs: endMs - startMs }))
    .filter(({ durationMs }) => durationMs >= SILENCE_MIN_MS)
}

const pitchOf = (samples: Float32Array, from: number, to: number, sampleRateHz: number): number => {
  const room = Math.max(0, to - from - (PITCH_MAX_MS * sampleRateHz) / MS_PER_SECOND) / 2
  const middle = samples.subarray(Math.ceil(from + room), Math.floor(to - room))
  let best = 0
  let bestPower = -1
  for (const pitch of ALL_PITCHES) {
    const power = powerOf(middle, pitch, sampleRateHz)
    if (power > bestPower) [best, bestPower] = [pitch, power]
  }
  return best
}

/** How much of one frequency there is in all pieces together, whatever its phase in each. */
const powerOf = (samples: Float32Array, frequencyHz: number, sampleRateHz: number): number => {
  const length = Math.min(samples.length, Math.round((PITCH_PIECE_MS * sampleRateHz) / MS_PER_SECOND))
  let power = 0
  for (let from = 0; length > 0 && from + length <= samples.length; from += length)
    power += goertzel(samples.subarray(from, from + length), frequencyHz, sampleRateHz)
  return power
}

/** How much of one frequency there is: the square of its amplitude, for a stretch of many periods (Goertzel's algorithm). */
export const goertzel = (samples: Float32Array, frequencyHz: number, sampleRateHz: number): number => {
  const turn = 2 * Math.cos((2 * Math.PI * frequencyHz) / sampleRateHz)
  let before = 0
  let now = 0
  for (const sample of samples) {
    const next = sample + turn * now - before
    before = now
    now = next
  }
  return (4 * (now * now + before * before - turn * now * before)) / samples.length ** 2
}
