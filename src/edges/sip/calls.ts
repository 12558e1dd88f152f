import type { Call } from './call.ts'
import { type DialogId, dialogKey } from './dialog.ts'

/** The calls of a server, by dialog, and how many more there may be. */
export class Calls {
  readonly #callsMax: number
  readonly #onChanged: (calls: number) => void
  readonly #calls = new Map<string, Call>()
  readonly #empty: (() => void)[] = []
  #settingUp = 0

  constructor(callsMax: number, onChanged: (calls: number) => void) {
    this.#callsMax = callsMax
    this.#onChanged = onChanged
  }

  /** Running ones and those that are being set up. */
  get size(): number {
    return this.#calls.size + this.#settingUp
  }

  /**
   * Room for one call that is being set up; undefined when there is none. What it returns gives the room back, once; a call that `work` adds has it
   * from then on, and nobody finds neither or both.
   */
  takeRoom(): ((work: () => void) => void) | undefined {
    if (this.size >= this.#callsMax) return undefined
    this.#settingUp += 1
    this.#changed()
    return (work) => {
      this.#settingUp -= 1
      work()
      this.#changed()
    }
  }

  add(call: Call): void {
    this.#calls.set(dialogKey(call.dialog.id), call)
    this.#changed()
  }

  find(id: DialogId): Call | undefined {
    return this.#calls.get(dialogKey(id))
  }

  remove(call: Call): void {
    const key = dialogKey(call.dialog.id)
    if (this.#calls.get(key) === call) this.#calls.delete(key)
    this.#changed()
  }

  list(): readonly Call[] {
    return [...this.#calls.values()]
  }

  /** Resolves when no call runs and none is being set up. */
  whenEmpty(): Promise<void> {
    if (this.size === 0) return Promise.resolve()
    return new Promise((resolve) => this.#empty.push(resolve))
  }

  #changed(): void {
    this.#onChanged(this.size)
    if (this.size === 0) for (const resolve of this.#empty.splice(0)) resolve()
  }
}
