import { PoulsenError } from '../../src/domain/errors.ts'
import type { Disk, DiskFile } from '../../src/ports/disk.ts'

/** What may become of bytes that were written and not synced when the power goes. */
export interface PowerLoss {
  /** 0 to 1, a fresh number each time. */
  readonly random: () => number
}

/** A write that is not durable yet. */
interface Unsynced {
  readonly offsetBytes: number
  readonly bytes: Uint8Array
}

class Content {
  durable: Uint8Array = new Uint8Array(0)
  unsynced: (Unsynced | { readonly truncate: number })[] = []
  isNameDurable = false
  isRemoved = false
}

const SECTOR_BYTES = 512

/**
 * A disk that loses power. What was synced survives; of what was not, any part may: some writes, some sectors of a write, or none; a file that
 * grew may have zeros where its content did not arrive. A name that was not synced may be gone. Every operation takes a turn of the microtask queue
 * and is counted, so that a run can be cut at any of them; after {@link SimulatedDisk.cut} nothing more takes effect.
 *
 * Survivable: any loss of what was not synced, at any operation. Not modelled: a disk that lies about a sync, or that damages what it had.
 */
export class SimulatedDisk implements Disk {
  readonly #files = new Map<string, Content>()
  /** Names that were removed and whose removal is not durable. */
  readonly #removed = new Map<string, Content>()
  #isCut = false
  operations = 0
  /** Called before every operation; throws to fail it, cuts the disk, or gives a promise that it waits for. `grows` tells of writes that need more space. */
  onOperation: (operation: string, name: string, grows: boolean) => void | Promise<void> = () => {}

  async create(name: string): Promise<DiskFile> {
    await this.#turn('create', name)
    if (this.#files.has(name)) throw error('MEDIA_CONFLICT', 'conflict')
    const content = new Content()
    this.#files.set(name, content)
    return this.#file(name, content)
  }

  async open(name: string): Promise<DiskFile> {
    await this.#turn('open', name)
    const content = this.#files.get(name)
    if (!content) throw error('MEDIA_NOT_FOUND', 'not-found')
    return this.#file(name, content)
  }

  async remove(name: string): Promise<boolean> {
    await this.#turn('remove', name)
    const content = this.#files.get(name)
    if (!content) return false
    this.#files.delete(name)
    if (content.isNameDurable) this.#removed.set(name, content)
    return true
  }

  async list(folder: string): Promise<readonly string[]> {
    await this.#turn('list', folder)
    const prefix = `${folder}/`
    return [...this.#files.keys()]
      .filter((name) => name.startsWith(prefix))
      .map((name) => name.slice(prefix.length))
      .sort()
  }

  async makeFolder(folder: string): Promise<void> {
    await this.#turn('makeFolder', folder)
  }

  async syncFolder(folder: string): Promise<void> {
    await this.#turn('syncFolder', folder)
    for (const [name, content] of this.#files) if (name.startsWith(`${folder}/`)) content.isNameDurable = true
    for (const name of [...this.#removed.keys()]) if (name.startsWith(`${folder}/`)) this.#removed.delete(name)
  }

  async freeBytes(): Promise<number> {
    return Number.MAX_SAFE_INTEGER
  }

  pathOf(name: string): string {
    return name
  }

  /** The whole of a file as a running program sees it. */
  contentOf(name: string): Uint8Array | undefined {
    const content = this.#files.get(name)
    return content?.unsynced.reduce<Uint8Array>(apply, content.durable)
  }

  /** What no loss of power can take away any more, under whatever name. */
  durableContentOf(name: string): Uint8Array | undefined {
    return this.#files.get(name)?.durable
  }

  names(): readonly string[] {
    return [...this.#files.keys()].sort()
  }

  /** The power goes: nothing takes effect from now on. Pending operations never end. */
  cut(): void {
    this.#isCut = true
  }

  /** What is there when the power is back. */
  afterPowerLoss({ random }: PowerLoss): SimulatedDisk {
    const disk = new SimulatedDisk()
    const survive = (name: string, content: Content) => {
      const file = new Content()
      file.durable = content.unsynced.reduce((bytes, write) => loseSome(bytes, write, random), content.durable)
      file.isNameDurable = true
      disk.#files.set(name, file)
    }
    for (const [name, content] of this.#files) if (content.isNameDurable || random() < 0.5) survive(name, content)
    for (const [name, content] of this.#removed) if (!disk.#files.has(name) && random() < 0.5) survive(name, content)
    return disk
  }

  /** What is there after the process was killed: everything that was done, synced or not. */
  afterKill(): SimulatedDisk {
    const disk = new SimulatedDisk()
    for (const [name, content] of this.#files) disk.#files.set(name, content)
    return disk
  }

  #file(name: string, content: Content): DiskFile {
    const written = () => content.unsynced.reduce(apply, content.durable)
    return {
      write: async (bytes, offsetBytes) => {
        const copy = bytes.slice()
        await this.#turn('write', name, offsetBytes + copy.length > written().length)
        content.unsynced.push({ offsetBytes, bytes: copy })
      },
      read: async (into, offsetBytes) => {
        await this.#turn('read', name)
        const bytes = written().subarray(offsetBytes, offsetBytes + into.length)
        into.set(bytes)
        return bytes.length
      },
      truncate: async (byteSize) => {
        await this.#turn('truncate', name)
        content.unsynced.push({ truncate: byteSize })
      },
      size: async () => written().length,
      sync: async () => {
        const upTo = content.unsynced.length
        await this.#turn('sync', name)
        content.durable = content.unsynced.slice(0, upTo).reduce(apply, content.durable)
        content.unsynced = content.unsynced.slice(upTo)
      },
      close: async () => {},
    }
  }

  async #turn(operation: string, name: string, grows = false): Promise<void> {
    await Promise.resolve()
    this.operations += 1
    if (!this.#isCut) await this.onOperation(operation, name, grows)
    if (this.#isCut) await new Promise(() => {})
  }
}

const apply = (bytes: Uint8Array, write: Unsynced | { readonly truncate: number }): Uint8Array => {
  if ('truncate' in write) {
    const cut = new Uint8Array(write.truncate)
    cut.set(bytes.subarray(0, write.truncate))
    return cut
  }
  const end = write.offsetBytes + write.bytes.length
  const grown = end > bytes.length ? new Uint8Array(end) : bytes.slice()
  if (end > bytes.length) grown.set(bytes)
  grown.set(write.bytes, write.offsetBytes)
  return grown
}

/** One write as the power left it: whole, gone, with its length but without some of its sectors. */
const loseSome = (
  bytes: Uint8Array,
  write: Unsynced | { readonly truncate: number },
  random: () => number,
): Uint8Array => {
  const fate = random()
  if (fate < 0.4) return apply(bytes, write)
  if (fate < 0.7 || 'truncate' in write) return bytes
  const torn = write.bytes.slice()
  for (let at = 0; at < torn.length; at += SECTOR_BYTES) {
    if (random() < 0.5)
      torn.set(
        bytes.subarray(write.offsetBytes + at, write.offsetBytes + at + SECTOR_BYTES).slice(0, torn.length - at),
        at,
      )
    if (random() < 0.25) torn.fill(0, at, at + SECTOR_BYTES)
  }
  return apply(bytes, { offsetBytes: write.offsetBytes, bytes: torn })
}

const error = (code: string, kind: 'not-found' | 'conflict'): PoulsenError =>
  new PoulsenError({ code, kind, message: code })
