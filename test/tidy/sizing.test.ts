import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { formatNeeds, LARGE, readCosts, size, type UnitCosts } from '../../bench/sizing.ts'

const COSTS: UnitCosts = {
  callsPerCore: 500,
  securedCallsPerCore: 250,
  diskKibPerStreamSecond: 20,
  memoryKibPerStream: 512,
  s3MegabytesPerSecond: 100,
  rowBytes: 1_000,
  databaseMsPerRecording: 2,
  databaseLogBytesPerRecording: 4_000,
  sweptKeysPerSecond: 10_000,
}
const needsOf = (demand: typeof LARGE) =>
  Object.fromEntries(size(COSTS, demand).map(({ what, needed }) => [what, needed]))

describe('sizing', () => {
  it('is what docs/operating/scaling.md says, out of the results that are there', () => {
    expect(readFileSync('docs/operating/scaling.md', 'utf8')).toContain(formatNeeds(size(readCosts(), LARGE)))
  })

  it('reckons a demand by unit costs', () => {
    expect(needsOf({ calls: 3_000, meanSeconds: 100, recordings: 1e6 })).toEqual({
      'capture, in the open': '10 cores',
      'capture, SRTP': '20 cores',
      'nodes of 8 cores, one to spare': '3; SRTP: 5',
      'memory of the calls': '3.15 GB',
      'network, in': '0.571 Gbit/s, 300,000 packets/s',
      'disks of the nodes, written': '123 MB/s',
      'to S3': '48 MB/s',
      'room for a day without S3': '4.15 TB',
      'PostgreSQL, processor': '0.06 of a core',
      'PostgreSQL, log': '120 kB/s',
      'PostgreSQL, tables and indexes': '1 GB',
      'S3, bytes': '1.6 TB',
      'S3, one pass of the sweeper': '0.0278 hours, 1,000 requests',
    })
  })

  it('grows with the demand, and a small one needs a core all the same', () => {
    const few = needsOf({ calls: 1, meanSeconds: 1, recordings: 1 })
    expect(few).toMatchObject({ 'capture, in the open': '1 core', 'PostgreSQL, tables and indexes': '1 kB' })
  })
})
