import { damaged, unsupportedCodec } from '../probe/refusals.ts'

/** How the samples of a WAV lie. */
export interface WavFormat {
  readonly codec:
    | 'pcm_u8'
    | 'pcm_s16le'
    | 'pcm_s24le'
    | 'pcm_s32le'
    | 'pcm_f32le'
    | 'pcm_f64le'
    | 'pcm_mulaw'
    | 'pcm_alaw'
  readonly channels: number
  readonly sampleRateHz: number
  readonly bytesPerSample: number
}

export const WAV_FORMAT_BYTES_MIN = 16
/** A WAVE_FORMAT_EXTENSIBLE chunk; longer ones carry nothing that we read. */
export const WAV_FORMAT_BYTES_READ = 40
const CHANNELS_MAX = 32
const SAMPLE_RATE_MAX_HZ = 768_000
const EXTENSIBLE = 0xfffe
/** KSDATAFORMAT_SUBTYPE without its first two bytes, which are the format tag. */
const SUBTYPE_TAIL = '000000001000800000aa00389b71'

const CODECS: Readonly<Record<string, WavFormat['codec']>> = {
  '1/8': 'pcm_u8',
  '1/16': 'pcm_s16le',
  '1/24': 'pcm_s24le',
  '1/32': 'pcm_s32le',
  '3/32': 'pcm_f32le',
  '3/64': 'pcm_f64le',
  '6/8': 'pcm_alaw',
  '7/8': 'pcm_mulaw',
}
const OTHERS: Readonly<Record<number, string>> = {
  1: 'PCM of an unusual width',
  2: 'Microsoft ADPCM',
  3: 'float of an unusual width',
  17: 'IMA ADPCM',
  49: 'GSM 6.10',
  64: 'G.721 ADPCM',
  80: 'MPEG layer II',
  85: 'MP3',
  100: 'G.726 ADPCM',
}

/**
 * Reads a `fmt ` chunk of 16 bytes or more (WAVEFORMATEX, WAVEFORMATEXTENSIBLE). Throws AUDIO_CODEC_UNSUPPORTED with the format's
 * name, or AUDIO_DAMAGED when its numbers contradict each other.
 */
export const parseWavFormat = (bytes: Uint8Array, offsetBytes: number): WavFormat => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const channels = view.getUint16(2, true)
  const sampleRateHz = view.getUint32(4, true)
  const blockAlign = view.getUint16(12, true)
  const bits = view.getUint16(14, true)
  const tag = tagOf(view, bytes)
  const codec = CODECS[`${tag}/${bits}`]
  if (!codec) throw unsupportedCodec(`WAV with ${OTHERS[tag] ?? `format tag ${tag}`} (${bits} bits)`)
  if (channels === 0 || sampleRateHz === 0 || blockAlign !== (channels * bits) / 8) {
    throw damaged('the format chunk contradicts itself', offsetBytes)
  }
  if (channels > CHANNELS_MAX) throw unsupportedCodec(`WAV with ${channels} channels`)
  if (sampleRateHz > SAMPLE_RATE_MAX_HZ) throw unsupportedCodec(`WAV at ${sampleRateHz} Hz`)
  return { codec, channels, sampleRateHz, bytesPerSample: bits / 8 }
}

const tagOf = (view: DataView, bytes: Uint8Array): number => {
  const tag = view.getUint16(0, true)
  if (tag !== EXTENSIBLE) return tag
  if (bytes.length < WAV_FORMAT_BYTES_READ) throw unsupportedCodec('WAV with an extensible header that is too short')
  const tail = [...bytes.subarray(26, 40)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
  if (tail !== SUBTYPE_TAIL) throw unsupportedCodec('WAV with an unknown sub-format')
  return view.getUint16(24, true)
}
