/** Decoded audio: one array of samples a channel, −1 to 1, all of one length. */
export interface PcmBlock {
  readonly sampleRateHz: number
  readonly channels: readonly Float32Array[]
}

/** Turns a container's bytes into audio, block by block; memory does not depend on the length. */
export type Decoder = (source: AsyncIterable<Uint8Array>) => AsyncGenerator<PcmBlock>

/** Turns audio into a container's bytes. `append` for each block, then `finish` once. */
export interface Encoder {
  append(block: PcmBlock): readonly Uint8Array[]
  finish(): { readonly bytes: readonly Uint8Array[]; readonly header?: Uint8Array }
}
