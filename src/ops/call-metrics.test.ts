import { Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import type { StreamQuality } from '../domain/call-details.ts'
import { CallMetrics } from './call-metrics.ts'

const PLAIN: StreamQuality = {
  codec: 'PCMU',
  packets: 40,
  lost: 1,
  late: 2,
  duplicated: 3,
  jitterMs: 0,
  jitterMaxMs: 0,
  ssrcChanges: 0,
  strangers: 4,
  invalid: 5,
  gapCount: 0,
  gapMs: 0,
}

const packetsOf = async (...streams: StreamQuality[]) => {
  const registry = new Registry()
  new CallMetrics(registry).captureEnded({ reason: 'hangup', status: 'completed', settleMs: 1, streams })
  const metric = (await registry.getMetricsAsJSON()).find(({ name }) => name === 'poulsen_rtp_packets_total')
  return Object.fromEntries(metric?.values.map(({ labels, value }) => [labels.outcome, value]) ?? [])
}

describe('the packets of an ended recording', () => {
  const heard = { received: 40, lost: 1, late: 2, duplicated: 3, strangers: 4, invalid: 5 }

  it('are counted by what became of them', async () => {
    expect(await packetsOf(PLAIN)).toEqual({ ...heard, unauthentic: 0, replayed: 0 })
  })

  it('are counted when they were secured and refused', async () => {
    expect(await packetsOf({ ...PLAIN, unauthentic: 6, replayed: 7 })).toEqual({
      ...heard,
      unauthentic: 6,
      replayed: 7,
    })
  })
})
