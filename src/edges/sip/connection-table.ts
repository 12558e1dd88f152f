/** A connection that can be cut. */
export interface Cuttable {
  destroy(): void
}

/** How many connections there may be, outgoing ones included. */
export interface ConnectionBounds {
  readonly connectionsMax: number
  readonly connectionsPerAddressMax: number
}

export const CONNECTION_BOUNDS: ConnectionBounds = { connectionsMax: 4_096, connectionsPerAddressMax: 1_024 }

/**
 * Who is connected. When there is no room, the oldest connection that no trunk has spoken on makes way, so that silent strangers cannot keep a trunk
 * out; when all are trusted, the new one is refused.
 */
export class ConnectionTable<Connection extends Cuttable> {
  readonly #bounds: ConnectionBounds
  readonly #addresses = new Map<Connection, string>()
  readonly #untrusted = new Set<Connection>()
  readonly #perAddress = new Map<string, number>()

  constructor(bounds: ConnectionBounds) {
    this.#bounds = bounds
  }

  get size(): number {
    return this.#addresses.size
  }

  /** False when there is no room for it; the caller cuts it then. */
  add(connection: Connection, address: string): boolean {
    if ((this.#perAddress.get(address) ?? 0) >= this.#bounds.connectionsPerAddressMax) return false
    if (this.size >= this.#bounds.connectionsMax && !this.#makeRoom()) return false
    this.#addresses.set(connection, address)
    this.#untrusted.add(connection)
    this.#perAddress.set(address, (this.#perAddress.get(address) ?? 0) + 1)
    return true
  }

  trust(connection: Connection): void {
    this.#untrusted.delete(connection)
  }

  remove(connection: Connection): void {
    const address = this.#addresses.get(connection)
    if (address === undefined) return
    this.#addresses.delete(connection)
    this.#untrusted.delete(connection)
    const left = (this.#perAddress.get(address) ?? 1) - 1
    if (left === 0) this.#perAddress.delete(address)
    else this.#perAddress.set(address, left)
  }

  destroyAll(): void {
    for (const connection of [...this.#addresses.keys()]) connection.destroy()
  }

  #makeRoom(): boolean {
    const [oldest] = this.#untrusted
    if (!oldest) return false
    this.remove(oldest)
    oldest.destroy()
    return true
  }
}
