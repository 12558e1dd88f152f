import { createSocket } from 'node:dgram'
import { isIPv6 } from 'node:net'

/** Answers that are remembered; beyond it the memory starts afresh. */
const REMEMBERED_MAX = 1_000
/** Any port will do: connecting a UDP socket sends nothing, it only looks up the route. */
const ROUTE_PORT = 9

/** True for the addresses that mean all of a machine's own. */
export const isWildcard = (address: string): boolean => address === '0.0.0.0' || address === '::'

/**
 * Which of this machine's addresses a peer sees, for sockets that listen on all of them: the one that the route to it begins at. Answers of a process
 * are remembered while its routes are taken to stay.
 */
export class LocalAddresses {
  readonly #known = new Map<string, Promise<string>>()

  /** The local address towards `remote`; rejects when there is no route. */
  find(remote: string): Promise<string> {
    const known = this.#known.get(remote)
    if (known) return known
    if (this.#known.size >= REMEMBERED_MAX) this.#known.clear()
    const found = routeTo(remote)
    this.#known.set(remote, found)
    found.catch(() => this.#known.delete(remote))
    return found
  }
}

const routeTo = (remote: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = createSocket(isIPv6(remote) ? 'udp6' : 'udp4')
    socket.once('error', (error) => {
      socket.close()
      reject(error)
    })
    socket.connect(ROUTE_PORT, remote, () => {
      resolve(socket.address().address)
      socket.close()
    })
  })
