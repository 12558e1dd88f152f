import { describe, expect, it } from 'vitest'
import { ConnectionTable } from './connection-table.ts'

class Line {
  isCut = false
  destroy(): void {
    this.isCut = true
  }
}

const bounds = { connectionsMax: 3, connectionsPerAddressMax: 2 }

describe('ConnectionTable', () => {
  it('holds no more of one address than it may', () => {
    const table = new ConnectionTable<Line>(bounds)
    const [a, b, c] = [new Line(), new Line(), new Line()]
    expect([a, b, c].map((line) => table.add(line, '10.0.0.1'))).toEqual([true, true, false])
    table.remove(a)
    table.remove(a)
    expect(table.add(c, '10.0.0.1')).toBe(true)
    expect(table.size).toBe(2)
  })

  it('lets the oldest stranger make way, never a trunk', () => {
    const table = new ConnectionTable<Line>(bounds)
    const lines = Array.from({ length: 6 }, () => new Line())
    lines.slice(0, 3).forEach((line, index) => {
      expect(table.add(line, `10.0.0.${index}`)).toBe(true)
    })
    table.trust(lines[0] as Line)
    expect(table.add(lines[3] as Line, '10.0.0.3')).toBe(true)
    expect(lines.map(({ isCut }) => isCut)).toEqual([false, true, false, false, false, false])
    table.trust(lines[2] as Line)
    table.trust(lines[3] as Line)
    expect(table.add(lines[4] as Line, '10.0.0.4')).toBe(false)
    expect(table.size).toBe(3)
    table.destroyAll()
    expect(lines.map(({ isCut }) => isCut)).toEqual([true, true, true, true, false, false])
  })
})
