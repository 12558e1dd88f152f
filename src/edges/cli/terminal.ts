/** What a command prints to. */
export interface Terminal {
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
}

/** Rows of texts as aligned columns under a head. */
export const formatTable = (head: readonly string[], rows: readonly (readonly string[])[]): string => {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)))
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  return [line(head), ...rows.map(line)].join('\n')
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB']

/** Bytes for people: three digits and a decimal unit. */
export const formatBytes = (bytes: number): string => {
  const power = Math.min(UNITS.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)))
  return `${(bytes / 1000 ** power).toPrecision(power === 0 ? 4 : 3).replace(/\.0+$/, '')} ${UNITS[power]}`
}

const BAR_WIDTH = 30
const REDRAW_MS = 100

/** How far long work has come. */
export interface Progress {
  advance(by: number, note: string): void
  end(): void
}

/** A bar that redraws itself on a terminal; nothing where the error stream is a file, whose reader wants lines, not redrawing. */
export const openProgress = ({ stderr }: Terminal, total: number): Progress => {
  if (!stderr.isTTY) return { advance: () => {}, end: () => {} }
  let done = 0
  let drawnMs = 0
  const draw = (note: string) => {
    const share = total === 0 ? 1 : Math.min(1, done / total)
    const filled = Math.round(share * BAR_WIDTH)
    stderr.write(
      `\r\x1b[K[${'#'.repeat(filled)}${'-'.repeat(BAR_WIDTH - filled)}] ${Math.floor(share * 100)} % ${note}`,
    )
  }
  return {
    advance: (by, note) => {
      done += by
      const nowMs = performance.now()
      if (nowMs - drawnMs < REDRAW_MS) return
      drawnMs = nowMs
      draw(note)
    },
    end: () => void stderr.write('\r\x1b[K'),
  }
}
