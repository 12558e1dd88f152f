import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Admission, PATIENCE_MS, SourceLock } from './source-lock.ts'

const AGREED = { address: '192.0.2.1', port: 4000 }
const REBOUND = { address: '192.0.2.1', port: 4444 }
const NAT = { address: '203.0.113.9', port: 9000 }
const STRANGER = { address: '198.51.100.66', port: 6666 }
const OTHER = { address: '192.0.2.2', port: 5000 }
const [OURS, NEXT, THIRD, THEIRS] = [0xaaaa, 0xbbbb, 0xcccc, 0xdddd] as const
const SILENT_MS = 2_000
const FRAME_MS = 20
/** How many packets one who was not announced waits. */
const WAITING_FRAMES = PATIENCE_MS / FRAME_MS

interface Sending {
  readonly ssrc: number
  readonly from: typeof AGREED
  readonly sequence?: number
  readonly count?: number
}

/** A lock, and a clock that goes on with every packet. */
class Line {
  readonly lock: SourceLock
  nowMs = 1_000

  constructor(announced: typeof AGREED, isFixed?: boolean) {
    this.lock = new SourceLock(announced, isFixed)
  }

  /** Packets in a row; what became of each. */
  send({ ssrc, from, sequence = 0, count = 1 }: Sending): Admission[] {
    return Array.from({ length: count }, (_, index) => {
      this.nowMs += FRAME_MS
      return this.lock.admit(ssrc, (sequence + index) & 0xffff, from, this.nowMs)
    })
  }

  silence(durationMs: number): void {
    this.nowMs += durationMs
  }
}

/** One whose agreed source speaks already. */
const talking = (from = AGREED): Line => {
  const line = new Line(AGREED)
  line.send({ ssrc: OURS, from, count: from === AGREED ? 3 : WAITING_FRAMES + 3 })
  return line
}

const trials = (count: number): Admission[] => Array.from({ length: count }, () => 'trial')
const strangers = (count: number): Admission[] => Array.from({ length: count }, () => 'stranger')

describe('SourceLock, who is believed', () => {
  it('believes the announced address from its first packet', () => {
    const line = new Line(AGREED)
    expect(line.lock.peer).toEqual(AGREED)
    expect(line.send({ ssrc: OURS, from: AGREED, count: 3 })).toEqual(['join', 'accept', 'accept'])
    expect(line.lock.changes).toBe(0)
  })

  it('believes who comes first, as behind a NAT, when the announced one stays silent, and reports there', () => {
    const line = new Line(AGREED)
    const expected = [...trials(WAITING_FRAMES), 'join', 'accept']
    expect(line.send({ ssrc: OURS, from: NAT, count: WAITING_FRAMES + 2 })).toEqual(expected)
    expect(line.lock.peer).toEqual(NAT)
    expect(line.lock.changes).toBe(0)
  })

  it('has patience for a time, also when it is asked without a packet', () => {
    const line = new Line(AGREED)
    expect(line.lock.isPatienceOver(Number.POSITIVE_INFINITY)).toBe(false)
    line.send({ ssrc: OURS, from: NAT })
    expect(line.lock.isPatienceOver(line.nowMs + PATIENCE_MS - 1)).toBe(false)
    expect(line.lock.isPatienceOver(line.nowMs + PATIENCE_MS)).toBe(true)
    line.lock.believe(OURS, NAT, line.nowMs)
    expect(line.lock.isPatienceOver(Number.POSITIVE_INFINITY)).toBe(false)
    expect(line.send({ ssrc: OURS, from: NAT })).toEqual(['accept'])
  })

  it('believes the announced address at once though strangers were faster, and them never', () => {
    const line = new Line(AGREED)
    expect(line.send({ ssrc: THEIRS, from: STRANGER, count: 3 })).toEqual(trials(3))
    expect(line.send({ ssrc: OURS, from: AGREED, count: 2 })).toEqual(['join', 'accept'])
    expect(line.send({ ssrc: THEIRS, from: STRANGER, sequence: 3, count: 50 })).toEqual(strangers(50))
    expect(line.lock.changes).toBe(0)
  })

  it('gives the stream to the announced address when a stranger was much faster, and never back', () => {
    const line = new Line(AGREED)
    line.send({ ssrc: THEIRS, from: STRANGER, count: WAITING_FRAMES + 2 })
    expect(line.send({ ssrc: OURS, from: AGREED, count: 3 })).toEqual(['trial', 'join', 'accept'])
    expect(line.lock.peer).toEqual(AGREED)
    expect(line.send({ ssrc: THEIRS, from: STRANGER, count: 5 })).toEqual(strangers(5))
    line.silence(60_000)
    expect(line.send({ ssrc: THEIRS, from: STRANGER, count: 200 })).toEqual(strangers(200))
  })

  it('keeps strangers out while the agreed source speaks, whatever SSRC they use', () => {
    const line = talking()
    for (const ssrc of [OURS, THEIRS]) {
      for (const from of [STRANGER, REBOUND]) expect(line.send({ ssrc, from, count: 30 })).toEqual(strangers(30))
      line.send({ ssrc: OURS, from: AGREED })
    }
    expect(line.lock.peer).toEqual(AGREED)
    expect(line.lock.changes).toBe(0)
  })

  it('keeps strangers out after the agreed source has stopped', () => {
    const line = talking()
    line.silence(10 * SILENT_MS)
    expect(line.send({ ssrc: THEIRS, from: STRANGER, count: 500 })).toEqual(strangers(500))
  })
})

describe('SourceLock, a NAT that rebinds', () => {
  it('follows the same SSRC to another port after silence and five packets in a row', () => {
    const line = talking()
    line.silence(SILENT_MS)
    expect(line.send({ ssrc: OURS, from: REBOUND, count: 6 })).toEqual([...trials(4), 'join', 'accept'])
    expect(line.lock.peer).toEqual(REBOUND)
    expect(line.lock.changes).toBe(0)
  })

  it('follows it to another address', () => {
    const line = talking(NAT)
    line.silence(SILENT_MS)
    expect(line.send({ ssrc: OURS, from: OTHER, count: 5 }).at(-1)).toBe('join')
  })

  it('begins the trial anew when the agreed source speaks again', () => {
    const line = talking()
    line.silence(SILENT_MS)
    line.send({ ssrc: OURS, from: REBOUND, count: 4 })
    line.send({ ssrc: OURS, from: AGREED, sequence: 3 })
    expect(line.send({ ssrc: OURS, from: REBOUND, sequence: 4 })).toEqual(['stranger'])
  })

  it('wants packets in a row: leaps begin anew, one or two lost do not', () => {
    const line = talking()
    line.silence(SILENT_MS)
    const sequences = [65_530, 65_533, 100, 300, 500, 502, 503, 506]
    const admissions = sequences.map((sequence) => line.send({ ssrc: OURS, from: REBOUND, sequence })[0])
    expect(admissions).toEqual(trials(8))
    expect(line.send({ ssrc: OURS, from: REBOUND, sequence: 507 })).toEqual(['join'])
  })

  it('takes a new SSRC from another port of a known address only after fifty', () => {
    const line = talking()
    line.silence(SILENT_MS)
    expect(line.send({ ssrc: NEXT, from: REBOUND, count: 50 })).toEqual([...trials(49), 'join'])
    expect(line.lock.changes).toBe(1)
    expect(line.send({ ssrc: OURS, from: REBOUND })).toEqual(['trial'])
  })
})

describe('SourceLock, a new SSRC', () => {
  it('is believed with its second packet, and the last of the one before still count', () => {
    const line = talking()
    expect(line.send({ ssrc: NEXT, from: AGREED, count: 2 })).toEqual(['trial', 'join'])
    expect(line.send({ ssrc: OURS, from: AGREED, sequence: 3 })).toEqual(['accept'])
    expect(line.send({ ssrc: NEXT, from: AGREED, sequence: 2 })).toEqual(['accept'])
    expect(line.lock.changes).toBe(1)
  })

  it('is not believed for one packet, nor for two that do not follow each other', () => {
    const line = talking()
    expect(line.send({ ssrc: NEXT, from: AGREED, sequence: 7 })).toEqual(['trial'])
    expect(line.send({ ssrc: OURS, from: AGREED, sequence: 3 })).toEqual(['accept'])
    expect(line.send({ ssrc: NEXT, from: AGREED, sequence: 7_000 })).toEqual(['trial'])
    expect(line.lock.changes).toBe(0)
  })

  it('may flap between two without a trial, and every third one is a change', () => {
    const line = talking()
    line.send({ ssrc: NEXT, from: AGREED, count: 2 })
    for (let sequence = 3; sequence < 20; sequence += 1) {
      expect(line.send({ ssrc: OURS, from: AGREED, sequence })).toEqual(['accept'])
      expect(line.send({ ssrc: NEXT, from: AGREED, sequence })).toEqual(['accept'])
    }
    expect(line.lock.changes).toBe(1)
    expect(line.send({ ssrc: THIRD, from: AGREED, count: 2 })).toEqual(['trial', 'join'])
    expect(line.send({ ssrc: OURS, from: AGREED, sequence: 20, count: 2 })).toEqual(['trial', 'join'])
    expect(line.lock.changes).toBe(3)
  })

  it('is believed at once when it has the name of the present one', () => {
    const line = talking()
    line.lock.noteCname(OURS, 'a@b')
    line.lock.noteCname(NEXT, 'a@b')
    line.lock.noteCname(THIRD, 'c@d')
    expect(line.send({ ssrc: NEXT, from: AGREED, count: 2 })).toEqual(['join', 'accept'])
    expect(line.send({ ssrc: THIRD, from: AGREED, count: 2 })).toEqual(['trial', 'join'])
    expect(line.lock.changes).toBe(2)
  })

  it('gets in from nowhere else by its name', () => {
    const line = talking()
    line.lock.noteCname(OURS, 'a@b')
    line.lock.noteCname(THEIRS, 'a@b')
    expect(line.send({ ssrc: THEIRS, from: STRANGER, count: 60 })).toEqual(strangers(60))
    line.silence(SILENT_MS)
    expect(line.send({ ssrc: THEIRS, from: STRANGER, count: 60 })).toEqual(strangers(60))
    expect(line.send({ ssrc: THEIRS, from: REBOUND })).toEqual(['trial'])
  })

  it('does not forget the name of the present one over many others', () => {
    const line = talking()
    line.lock.noteCname(OURS, 'a@b')
    for (let ssrc = 1; ssrc <= 1000; ssrc += 1) line.lock.noteCname(ssrc, `${ssrc}`)
    line.lock.noteCname(NEXT, 'a@b')
    expect(line.send({ ssrc: NEXT, from: AGREED })).toEqual(['join'])
  })
})

describe('SourceLock, signalling that announces anew', () => {
  it('believes the new address at once, with its old SSRC or another', () => {
    for (const ssrc of [OURS, NEXT]) {
      const line = talking()
      line.lock.announce(OTHER)
      expect(line.lock.peer).toEqual(OTHER)
      expect(line.send({ ssrc, from: OTHER, sequence: 3, count: 2 })).toEqual(['join', 'accept'])
      expect(line.lock.changes).toBe(ssrc === OURS ? 0 : 1)
      expect(line.send({ ssrc: OURS, from: AGREED, sequence: 3 })).toEqual(['stranger'])
    }
  })

  it('still takes what is under way from the old one, until the new one speaks', () => {
    const line = talking()
    line.lock.announce(OTHER)
    expect(line.send({ ssrc: OURS, from: AGREED, sequence: 3 })).toEqual(['join'])
    expect(line.send({ ssrc: NEXT, from: OTHER, count: 3 })).toEqual(['trial', 'join', 'accept'])
    line.silence(10 * SILENT_MS)
    expect(line.send({ ssrc: OURS, from: AGREED, sequence: 4, count: 20 })).toEqual(strangers(20))
  })

  it('changes nothing when it says the same, or no address at all', () => {
    const line = talking(NAT)
    for (const announced of [
      { ...AGREED },
      { address: '0.0.0.0', port: 4000 },
      { address: '::', port: 4000 },
      { ...OTHER, port: 0 },
    ]) {
      line.lock.announce(announced)
      expect(line.send({ ssrc: THEIRS, from: STRANGER })).toEqual(['stranger'])
      expect(line.send({ ssrc: OURS, from: NAT })).toEqual(['accept'])
    }
  })
})

describe('SourceLock, whose peer has no other address', () => {
  it('believes that from its first packet, and every SSRC of it', () => {
    const line = new Line(AGREED, true)
    expect(line.send({ ssrc: OURS, from: AGREED, count: 3 })).toEqual(['join', 'accept', 'accept'])
    expect(line.send({ ssrc: NEXT, from: AGREED, count: 3 })).toEqual(['trial', 'join', 'accept'])
    expect(line.lock.changes).toBe(1)
  })

  it('believes nobody else, who is first, who has patience, or who has its SSRC', () => {
    for (const from of [REBOUND, NAT]) {
      const line = new Line(AGREED, true)
      expect(line.send({ ssrc: THEIRS, from, count: 5 * WAITING_FRAMES })).toEqual(strangers(5 * WAITING_FRAMES))
      expect(line.lock.isPatienceOver(Number.POSITIVE_INFINITY)).toBe(false)
      expect(line.send({ ssrc: OURS, from: AGREED, count: 2 })).toEqual(['join', 'accept'])
      line.silence(10 * SILENT_MS)
      for (const ssrc of [OURS, THEIRS])
        expect(line.send({ ssrc, from, sequence: 2, count: 200 })).toEqual(strangers(200))
      expect(line.send({ ssrc: OURS, from: AGREED, sequence: 2 })).toEqual(['accept'])
      expect(line.lock.peer).toEqual(AGREED)
    }
  })

  it('believes nobody else by a name', () => {
    const line = new Line(AGREED, true)
    line.send({ ssrc: OURS, from: AGREED })
    for (const ssrc of [OURS, THEIRS]) line.lock.noteCname(ssrc, 'a@b')
    expect(line.send({ ssrc: THEIRS, from: REBOUND, count: 60 })).toEqual(strangers(60))
  })
})

describe('SourceLock, anything', () => {
  it('never takes a packet from a place that was neither announced, first, nor of a believed SSRC', () => {
    const packet = fc.record({
      ssrc: fc.constantFrom(OURS, NEXT, THIRD),
      from: fc.constantFrom(AGREED, REBOUND),
      sequence: fc.nat(200),
      waitMs: fc.constantFrom(0, 20, 3_000),
      strangers: fc.nat(3),
    })
    fc.assert(
      fc.property(fc.array(packet, { maxLength: 60 }), (packets) => {
        const line = talking()
        for (const { ssrc, from, sequence, waitMs, strangers: count } of packets) {
          line.silence(waitMs)
          line.send({ ssrc, from, sequence })
          expect(line.send({ ssrc: THEIRS, from: STRANGER, sequence, count })).toEqual(strangers(count))
        }
      }),
    )
  })
})
