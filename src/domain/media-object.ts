/** The containers that Poulsen keeps and serves. */
export const MEDIA_FORMATS = ['wav', 'mp3', 'ogg'] as const
export type MediaFormat = (typeof MEDIA_FORMATS)[number]

/** The IANA media type that each format is served with. */
export const MEDIA_TYPES: Readonly<Record<MediaFormat, string>> = {
  wav: 'audio/wav',
  mp3: 'audio/mpeg',
  ogg: 'audio/ogg',
}

/** What a container said about its audio. Read from the bytes, never from a client. */
export interface AudioFormat {
  readonly format: MediaFormat
  /** `pcm_s16le`, `pcm_mulaw`, `mp3`, `opus`, `vorbis`, …: the name that ffmpeg gives the codec. */
  readonly codec: string
  readonly sampleRateHz: number
  readonly channels: number
  readonly durationMs: number
}

/**
 * The bytes behind a recording: where they are, how many, and what they must hash to. Those of a recording in progress are in the media store only once
 * it has ended; until then the key is reserved, the duration is 0, and the size is not known.
 */
export interface MediaObject extends AudioFormat {
  /** The media store's key: the same from the beginning, and never another recording's. */
  readonly key: string
  /** Absent while the recording is in progress, and it grows. */
  readonly byteSize?: number
  /**
   * Lower-case hexadecimal SHA-256 of the bytes as received. Absent while the recording is in progress and for a while after a captured one has ended:
   * it is computed in the background, so that no call's end waits for it.
   */
  readonly sha256?: string
  /**
   * Present when a recording's `url` gives a WAV that is made of the bytes, instead of them: what a browser sent is kept as it came, and clients of this API
   * expect a WAV.
   */
  readonly wav?: WavForm
}

/** A WAV of 16-bit PCM that is made of a media object. */
export interface WavForm {
  readonly sampleRateHz: number
  /** Exact; absent while the recording is in progress. */
  readonly byteSize?: number
}

/** The format that a recording's `url` gives. */
export const urlFormatOf = ({ wav, format }: MediaObject): MediaFormat => (wav ? 'wav' : format)

/** How many bytes that is; undefined while it is not known. */
export const urlByteSizeOf = ({ wav, byteSize }: MediaObject): number | undefined => (wav ? wav.byteSize : byteSize)
