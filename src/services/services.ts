import type { Catalogue } from '../ports/catalogue.ts'
import type { MediaStore } from '../ports/media-store.ts'
import type { Nodes } from '../ports/nodes.ts'
import type { Access } from './access.ts'
import type { Derivations } from './derivations.ts'
import type { Ingest } from './ingest.ts'
import type { NodeKeeping } from './node-keeping.ts'
import type { Playback } from './playback.ts'
import type { Projects } from './projects.ts'
import type { PublishTokens } from './publish-tokens.ts'
import type { Recordings } from './recordings.ts'
import type { Sealing } from './sealing.ts'
import type { Spooling } from './spooling.ts'
import type { Sweeping } from './sweeping.ts'
import type { Tokens } from './tokens.ts'
import type { Trunks } from './trunks.ts'
import type { Whereabouts } from './whereabouts.ts'

/** Every use case, over one data folder. Made by compose.ts, used by the edges. */
export interface Services {
  readonly catalogue: Catalogue
  readonly mediaStore: MediaStore
  readonly access: Access
  readonly projects: Projects
  readonly tokens: Tokens
  readonly publishTokens: PublishTokens
  readonly trunks: Trunks
  readonly recordings: Recordings
  readonly ingest: Ingest
  readonly playback: Playback
  readonly derivations: Derivations
  readonly sealing: Sealing
  readonly sweeping: Sweeping
  readonly whereabouts: Whereabouts
  /** Present where the media store is in two places. */
  readonly shared?: {
    readonly mediaStore: MediaStore
    readonly spooling: Spooling
    /** Sweeps the part that nodes share. */
    readonly sweeping: Sweeping
  }
  /** Present where several nodes share the catalogue. */
  readonly nodes?: Nodes
  readonly nodeKeeping?: NodeKeeping
  /** Finishes accepted writes and releases everything. */
  close(): Promise<void>
}
