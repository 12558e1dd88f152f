import { damaged, unsupportedCodec } from '../probe/refusals.ts'

/** What the first packet of an Ogg stream says of its codec. */
export interface OggCodec {
  readonly codec: 'opus' | 'vorbis'
  readonly channels: number
  /** Samples a second that granule positions count. */
  readonly sampleRateHz: number
  /** Samples at the beginning that are not heard (RFC 7845 §4.2). */
  readonly preSkipSamples: number
}

const OPUS_GRANULE_HZ = 48_000
const OPUS_HEAD_BYTES = 19
const VORBIS_HEAD_BYTES = 30

const OTHERS: readonly (readonly [magic: string, name: string])[] = [
  ['\x7fFLAC', 'FLAC'],
  ['Speex   ', 'Speex'],
  ['\x80theora', 'Theora video'],
  ['BBCD', 'Dirac video'],
]

/** The codec of a stream by its first packet (RFC 7845 §5.1, Vorbis I §4.2.2); undefined for a skeleton, which carries no media. */
export const parseOggCodec = (packet: Uint8Array, offsetBytes: number): OggCodec | undefined => {
  const magic = String.fromCharCode(...packet.subarray(0, 8))
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length)
  if (magic.startsWith('fishead')) return undefined
  if (magic === 'OpusHead') return parseOpus(view, offsetBytes)
  if (magic.startsWith('\x01vorbis')) return parseVorbis(view, offsetBytes)
  const other = OTHERS.find(([start]) => magic.startsWith(start))
  throw unsupportedCodec(`Ogg with ${other?.[1] ?? 'an unknown codec'}`)
}

const parseOpus = (view: DataView, offsetBytes: number): OggCodec => {
  if (view.byteLength < OPUS_HEAD_BYTES) throw damaged('the Opus header is too short', offsetBytes)
  if (view.getUint8(8) >> 4 !== 0) throw unsupportedCodec('Opus of a newer version')
  const channels = view.getUint8(9)
  if (channels === 0) throw damaged('the Opus header has no channels', offsetBytes)
  return { codec: 'opus', channels, sampleRateHz: OPUS_GRANULE_HZ, preSkipSamples: view.getUint16(10, true) }
}

const parseVorbis = (view: DataView, offsetBytes: number): OggCodec => {
  if (view.byteLength < VORBIS_HEAD_BYTES) throw damaged('the Vorbis header is too short', offsetBytes)
  const channels = view.getUint8(11)
  const sampleRateHz = view.getUint32(12, true)
  if (channels === 0 || sampleRateHz === 0) throw damaged('the Vorbis header contradicts itself', offsetBytes)
  return { codec: 'vorbis', channels, sampleRateHz, preSkipSamples: 0 }
}
