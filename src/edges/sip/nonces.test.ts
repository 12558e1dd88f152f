import { describe, expect, it } from 'vitest'
import { FakeTimers } from '../../../test/fakes/fake-timers.ts'
import { NONCE_LIFETIME_MS, Nonces } from './nonces.ts'

describe('Nonces (RFC 7616 §5.4)', () => {
  it('may be used with counts that grow, never twice with one', () => {
    const nonces = new Nonces(new FakeTimers())
    const nonce = nonces.issue()
    expect([1, 1, 2, 5, 4, 6, 0].map((count) => nonces.use(nonce, count))).toEqual([
      true,
      false,
      true,
      true,
      false,
      true,
      false,
    ])
  })

  it('expire, used or not', async () => {
    const timers = new FakeTimers()
    const nonces = new Nonces(timers)
    const [used, unused] = [nonces.issue(), nonces.issue()]
    expect(nonces.use(used, 1)).toBe(true)
    await timers.advance(NONCE_LIFETIME_MS)
    expect(nonces.use(used, 2)).toBe(true)
    await timers.advance(1)
    expect(nonces.use(used, 3)).toBe(false)
    expect(nonces.use(unused, 1)).toBe(false)
    const fresh = nonces.issue()
    expect(nonces.use(fresh, 1)).toBe(true)
  })

  it('are only ours', () => {
    const nonces = new Nonces(new FakeTimers())
    const nonce = nonces.issue()
    const forged = (nonce.startsWith('0') ? '1' : '0') + nonce.slice(1)
    for (const text of ['', 'x', forged, nonce.toUpperCase(), new Nonces(new FakeTimers()).issue()])
      expect(nonces.use(text, 1)).toBe(false)
  })

  it('are all different', () => {
    const nonces = new Nonces(new FakeTimers())
    expect(new Set(Array.from({ length: 100 }, () => nonces.issue())).size).toBe(100)
  })
})
