import { describe, expect, it } from 'vitest'
import { PortAssignment } from './port-assignment.ts'

const PAIRS = [30_000, 30_002].map((rtpPort) => ({ rtpPort, rtcpPort: rtpPort + 1 }))

describe('PortAssignment', () => {
  it('gives each place a pair of its own, the same again and again, as long as there are any', () => {
    const ports = new PortAssignment(PAIRS)
    expect([3, 1, 3, 5, 1].map(ports.pairOf)).toEqual([PAIRS[0], PAIRS[1], PAIRS[0], undefined, PAIRS[1]])
    expect([1, 3, 5].map((index) => ports.streamOf(index))).toEqual([1, 0, undefined])
  })

  it('grows by pairs for lines that join later', () => {
    const given = [...PAIRS]
    const ports = new PortAssignment(given)
    for (const index of [0, 1, 2]) ports.pairOf(index)
    expect([ports.size, ports.assigned]).toEqual([2, 2])
    ports.add({ rtpPort: 30_008, rtcpPort: 30_009 })
    expect(ports.pairOf(2)).toEqual({ rtpPort: 30_008, rtcpPort: 30_009 })
    expect([ports.size, ports.assigned, ports.streamOf(2)]).toEqual([3, 3, 2])
    expect(given).toHaveLength(2)
  })

  it('tells of a place that was never asked for nothing, and gives it nothing', () => {
    const ports = new PortAssignment(PAIRS)
    expect(ports.streamOf(0)).toBeUndefined()
    expect(ports.pairOf(7)).toBe(PAIRS[0])
  })
})
