import { randomBytes, randomUUID } from 'node:crypto'
import type { Clock } from '../../src/ports/clock.ts'
import type { Ids } from '../../src/ports/ids.ts'
import type { Telemetry } from '../../src/ports/telemetry.ts'

/** Fresh ids; nothing of them is compared. */
export const ids: Ids = { uuid: randomUUID, randomHex: (count) => randomBytes(count).toString('hex') }

/** A clock that stands still until it is moved. */
export const aClock = (nowMs = 1_760_000_000_000): Clock & { advance(ms: number): void } => {
  let now = nowMs
  return {
    nowMs: () => now,
    advance: (ms) => {
      now += ms
    },
  }
}

/** Notes what it hears. */
export const aTelemetry = (): Telemetry & { readonly heard: string[] } => {
  const heard: string[] = []
  return {
    heard,
    uploadEnded: (outcome, byteSize) => heard.push(`upload ${outcome} ${byteSize}`),
    derivationEnded: (outcome, format) => heard.push(`derivation ${outcome} ${format}`),
    catalogueWrite: () => {},
    mediaMoved: (byteSize) => heard.push(`moved ${byteSize}`),
    mediaNotMoved: (code) => heard.push(`not moved ${code}`),
    sweepEnded: ({ orphans, unfinished, kept }) => heard.push(`swept ${orphans} ${unfinished}, kept ${kept}`),
  }
}

/** Bytes in chunks, as a network has them. */
export async function* chunksOf(bytes: Uint8Array, chunkBytes = 700): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += chunkBytes) yield bytes.subarray(offset, offset + chunkBytes)
}
