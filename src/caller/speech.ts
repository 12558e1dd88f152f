import { mix, randomWhole, seededRandom } from './random.ts'
import {
  BURST_AMPLITUDE,
  type Burst,
  checkedSignalOptions,
  firstBurstAfter,
  MS_PER_SECOND,
  pilotOf,
  quantise,
  type ReadSignal,
  type SignalOptions,
  type SignalPlan,
} from './signal.ts'
import { addPilot } from './tones.ts'

const LEAD_MS = 150
const SYLLABLE_MIN_MS = 120
const SYLLABLE_MAX_MS = 280
const PAUSE_MIN_MS = 80
const PAUSE_MAX_MS = 220
/** One pause in so many is one between phrases. */
const PHRASE_SYLLABLES = 7
const PHRASE_PAUSE_MS = 700
/** A syllable begins and ends over this time. */
const RAMP_MS = 4
/** Part of a syllable that is a hiss before its vowel, when it has one. */
const FRICATIVE_MS = 45

/** Centres of the first three formants of five vowels, in hertz: rounded textbook values of an adult voice. */
const VOWELS: readonly (readonly [number, number, number])[] = [
  [730, 1100, 2450],
  [530, 1850, 2500],
  [280, 2250, 2900],
  [570, 850, 2400],
  [310, 900, 2250],
]
const FORMANT_GAINS = [1, 0.5, 0.25]
const FORMANT_WIDTH_HZ = 110
const VOICE_TOP_HZ = 3200
const VOICE_LOWEST_HZ = 112
const VOICE_STEP_HZ = 26

/** How one syllable sounds; follows from the plan's seed and its place. */
interface Syllable {
  readonly pitchHz: number
  readonly gains: readonly number[]
  readonly phases: readonly number[]
  readonly hasFricative: boolean
  readonly seed: number
}

/**
 * Syllables with known onsets, in phrases: voiced sounds with formants, some begun by a hiss, so that codecs made for speech take it for speech.
 * Each leg has a voice of its own pitch. Throws CALL_INVALID as {@link planTones} does.
 */
export const planSpeech = (options: SignalOptions): SignalPlan => {
  const { durationMs, leg, seed } = checkedSignalOptions(options)
  const random = seededRandom(mix(seed, leg))
  const bursts: Burst[] = []
  for (let startMs = LEAD_MS; ; ) {
    const lengthMs = randomWhole(random, SYLLABLE_MIN_MS, SYLLABLE_MAX_MS)
    if (startMs + lengthMs + RAMP_MS > durationMs) break
    bursts.push({ startMs, durationMs: lengthMs })
    const isPhraseEnd = bursts.length % PHRASE_SYLLABLES === 0
    startMs += lengthMs + randomWhole(random, PAUSE_MIN_MS, PAUSE_MAX_MS) + (isPhraseEnd ? PHRASE_PAUSE_MS : 0)
  }
  return { kind: 'speech', leg, seed, durationMs, bursts, pilotHz: pilotOf(leg) }
}

/** The samples of a plan of speech. */
export const renderSpeech = (plan: SignalPlan, sampleRateHz: number): ReadSignal => {
  const perMs = sampleRateHz / MS_PER_SECOND
  return (fromSample, samples) => {
    const sound = new Float32Array(samples.length)
    addPilot(sound, plan, sampleRateHz, fromSample)
    const endSample = fromSample + samples.length
    for (let index = firstBurstAfter(plan.bursts, fromSample / perMs); index < plan.bursts.length; index += 1) {
      const burst = plan.bursts[index] as Burst
      if (burst.startMs * perMs >= endSample) break
      addSyllable(sound, burst, syllableOf(plan, index), { perMs, fromSample })
    }
    quantise(sound, samples)
  }
}

const syllableOf = (plan: SignalPlan, index: number): Syllable => {
  const random = seededRandom(mix(plan.seed, 1000 + index))
  const vowel = VOWELS[randomWhole(random, 0, VOWELS.length - 1)] as readonly number[]
  const pitchHz = VOICE_LOWEST_HZ + VOICE_STEP_HZ * plan.leg + randomWhole(random, 0, 12)
  const harmonics = Math.floor(VOICE_TOP_HZ / pitchHz)
  const raw = Array.from({ length: harmonics }, (_, each) => formantGain(vowel, (each + 1) * pitchHz))
  const power = raw.reduce((sum, gain) => sum + gain * gain, 0)
  return {
    pitchHz,
    // Equally loud syllables, as loud as a burst of tone: an onset is found where the loudness passes half.
    gains: raw.map((gain) => (gain * BURST_AMPLITUDE) / Math.sqrt(power)),
    // Phases without order keep the loudness even within a period of the voice.
    phases: raw.map(() => random() * 2 * Math.PI),
    hasFricative: random() < 0.3,
    seed: randomWhole(random, 0, 2 ** 31),
  }
}

const formantGain = (vowel: readonly number[], frequencyHz: number): number =>
  vowel.reduce((sum, centreHz, index) => {
    const off = (frequencyHz - centreHz) / FORMANT_WIDTH_HZ
    return sum + (FORMANT_GAINS[index] ?? 0) / (1 + off * off)
  }, 0.02)

const addSyllable = (
  sound: Float32Array,
  burst: Burst,
  syllable: Syllable,
  { perMs, fromSample }: { readonly perMs: number; readonly fromSample: number },
): void => {
  const start = burst.startMs * perMs - fromSample
  const end = start + burst.durationMs * perMs
  for (let index = Math.max(0, Math.ceil(start)); index < Math.min(sound.length, end); index += 1) {
    const atMs = (index - start) / perMs
    const gain = Math.min(1, (atMs + RAMP_MS / 2) / RAMP_MS, (burst.durationMs - atMs) / RAMP_MS)
    const isHiss = syllable.hasFricative && atMs < FRICATIVE_MS
    const value = isHiss ? hiss(syllable, fromSample + index) : voice(syllable, atMs / MS_PER_SECOND)
    sound[index] = (sound[index] as number) + gain * value
  }
}

const voice = ({ pitchHz, gains, phases }: Syllable, seconds: number): number => {
  const angle = 2 * Math.PI * pitchHz * seconds
  let sum = 0
  for (let index = 0; index < gains.length; index += 1) {
    sum += (gains[index] as number) * Math.sin(angle * (index + 1) + (phases[index] as number))
  }
  return sum
}

const hiss = ({ seed }: Syllable, sample: number): number =>
  (mix(seed, sample) / 2 ** 31 - 1) * BURST_AMPLITUDE * Math.sqrt(3 / 2)
