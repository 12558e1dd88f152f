import { setTimeout as delay } from 'node:timers/promises'
import type { ClusterNode } from '../cluster.ts'
import type { Ledger } from './ledger.ts'

/** An answer that means something: neither "not now" nor a cut connection. */
export interface Answer {
  readonly status: number
  readonly bytes: Buffer
  readonly headers: Headers
  readonly node: ClusterNode
}

/** Longer than any answer may take, whoever is away. */
const ANSWER_MS = 45_000
const AGAIN_MS = 250

/** Asks nodes at random, as a load balancer does, and holds their answers to the rules. */
export class ChaosClient {
  readonly #nodes: readonly ClusterNode[]
  readonly #random: () => number
  readonly ledger: Ledger

  constructor(nodes: readonly ClusterNode[], ledger: Ledger, random: () => number) {
    this.#nodes = nodes
    this.ledger = ledger
    this.#random = random
  }

  /** From 0 up to, and without, a limit. */
  below(limit: number): number {
    return Math.floor(this.#random() * limit)
  }

  anyNode(): ClusterNode {
    return this.#nodes[this.below(this.#nodes.length)] as ClusterNode
  }

  anyOf<T>(items: readonly T[]): T | undefined {
    return items[this.below(items.length)]
  }

  /** One question to one node; undefined when it is not there, or says that it cannot answer now. A body that was cut off is no answer. */
  async once(node: ClusterNode, path: string, init: RequestInit = {}): Promise<Answer | undefined> {
    const what = `${init.method ?? 'GET'} ${path} at ${node.url}`
    const begunMs = performance.now()
    try {
      const response = await node.ask(path, init, ANSWER_MS)
      const bytes = Buffer.from(await response.arrayBuffer())
      const answer = { status: response.status, bytes, headers: response.headers, node }
      this.ledger.noteWait(performance.now() - begunMs, `${response.status} to ${what}`)
      return this.#counts(answer, what) ? answer : undefined
    } catch (error) {
      this.ledger.count('cut')
      // Who is killed cuts the connection; who lives answers, or refuses.
      if (!(error instanceof TypeError)) this.ledger.blame(`${what}: ${error}`)
      return undefined
    }
  }

  /** One question to whichever node answers it, as often as it takes; with how often it was asked. */
  async ask(path: string, init: RequestInit = {}): Promise<Answer & { readonly tries: number }> {
    for (let tries = 1; ; tries += 1) {
      const answer = await this.once(this.anyNode(), path, init)
      if (answer) return { ...answer, tries }
      await delay(AGAIN_MS)
    }
  }

  /** False for a 503, which must say when to come again. */
  #counts({ status, headers, bytes }: Answer, what: string): boolean {
    if (status !== 503) return true
    this.ledger.count('refused')
    if (!headers.has('retry-after')) this.ledger.blame(`${what}: 503 without Retry-After: ${bytes}`)
    return false
  }
}
