import type { ChannelsAudio } from '../../caller/decode-channel.ts'
import type { Recording } from '../../domain/recording.ts'
import type { Services } from '../../services/services.ts'
import { FOUND_WITHIN_MS } from './find-by-leg.ts'

/** The audio of a finished recording, decoded whole. */
export const readChannels = async ({ playback }: Services, recording: Recording): Promise<ChannelsAudio> => {
  // Loaded only here: decoders are much to load for every other command.
  const { decodeChannels } = await import('../../caller/decode-channel.ts')
  const playable = await playback.open(recording, 'wav')
  const range = { startBytes: 0, endBytes: playable.byteSize }
  return decodeChannels(await playable.read(range, AbortSignal.timeout(FOUND_WITHIN_MS)))
}
