/** A file that can be written anywhere. Offsets and sizes in bytes. */
export interface DiskFile {
  /** Writes all of `bytes` at an offset; beyond the end the file grows. Not durable before {@link DiskFile.sync}. `bytes` may not change until it resolves. */
  write(bytes: Uint8Array, offsetBytes: number): Promise<void>
  /** Reads from an offset until `into` is full or the file ends; the number of bytes read. */
  read(into: Uint8Array, offsetBytes: number): Promise<number>
  /** Cuts the file, or lets it grow with zeros. */
  truncate(byteSize: number): Promise<void>
  size(): Promise<number>
  /** Makes content and size durable: what was written before the call survives loss of power once it has resolved. The name needs {@link Disk.syncFolder}. */
  sync(): Promise<void>
  close(): Promise<void>
}

/**
 * The folder of capture: journal segments and growing recordings. Names are relative paths of `[a-z0-9.-]` segments.
 *
 * Contract, held by the file system's adapter and by the simulated disk that loses power:
 * - Nothing is durable before a sync that was called after it has resolved; a name is durable after its folder's sync.
 * - Calls may overlap; writes to one file take effect in the order of their calls only when each was awaited.
 * - Rejections are PoulsenErrors: MEDIA_NOT_FOUND, MEDIA_CONFLICT (create of a name that exists), MEDIA_DISK_FULL, MEDIA_UNAVAILABLE.
 */
export interface Disk {
  /** Makes a file that must not exist, for reading and writing. */
  create(name: string): Promise<DiskFile>
  /** Opens a file that exists, for reading and writing. */
  open(name: string): Promise<DiskFile>
  /** True when there was one. */
  remove(name: string): Promise<boolean>
  /** Names of files directly in a folder, sorted; none when the folder does not exist. */
  list(folder: string): Promise<readonly string[]>
  /** Makes a folder and its parents, durably. */
  makeFolder(folder: string): Promise<void>
  syncFolder(folder: string): Promise<void>
  freeBytes(): Promise<number>
  /** Where a name is for others on this machine; the media store adopts from there. */
  pathOf(name: string): string
}
