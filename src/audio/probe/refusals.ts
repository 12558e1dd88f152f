import { PoulsenError } from '../../domain/errors.ts'

/** The bytes are not WAV, MP3 or Ogg. */
export const notRecognised = (): PoulsenError =>
  new PoulsenError({
    code: 'AUDIO_NOT_RECOGNISED',
    kind: 'invalid',
    message: 'The bytes are not WAV, MP3 or Ogg audio.',
  })

/** The container is known, what is in it is not. */
export const unsupportedCodec = (what: string): PoulsenError =>
  new PoulsenError({
    code: 'AUDIO_CODEC_UNSUPPORTED',
    kind: 'invalid',
    message: `The audio is ${what}, which is not supported.`,
    hint: 'Supported: WAV with PCM, float, µ-law or A-law; MP3; Ogg with Opus or Vorbis.',
  })

/** The container contradicts itself or ends too soon. */
export const damaged = (what: string, offsetBytes: number): PoulsenError =>
  new PoulsenError({
    code: 'AUDIO_DAMAGED',
    kind: 'invalid',
    message: `The audio is damaged at byte ${offsetBytes}: ${what}.`,
    details: { offsetBytes },
  })
