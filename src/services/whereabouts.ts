import type { Recording } from '../domain/recording.ts'
import type { MediaStore } from '../ports/media-store.ts'
import type { Holder, Nodes } from '../ports/nodes.ts'
import { findMedia } from './find-media.ts'

/** Knows which node has what is not in the shared media store yet. */
export class Whereabouts {
  readonly #landing: MediaStore
  readonly #nodes: Nodes | undefined

  constructor(ports: { readonly landing: MediaStore; readonly nodes?: Nodes }) {
    this.#landing = ports.landing
    this.#nodes = ports.nodes
  }

  /** The other node that records it, or has its bytes; undefined when this node can answer for it. Rejects as the catalogue does. */
  async elsewhere({ projectId, id, media }: Recording): Promise<Holder | undefined> {
    if (!this.#nodes || !media || (await findMedia(this.#landing, media.key))) return undefined
    const holder = await this.#nodes.findHolder(projectId, id)
    return holder?.nodeId === this.#nodes.id ? undefined : holder
  }
}
