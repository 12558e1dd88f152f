import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SimulatedDisk } from '../../test/fakes/simulated-disk.ts'
import { crc32c } from './crc32c.ts'
import { Journal } from './journal.ts'
import { JournalBatch, parseJournalRecord } from './journal-record.ts'
import { formatSegmentHead, formatSegmentName, parseSegment, parseSegmentName, readSegment } from './journal-segment.ts'

const openJournal = async (disk: SimulatedDisk, writeSnapshot: (batch: JournalBatch) => void = () => {}) => {
  const journal = new Journal({ disk, run: 'rtest-0', nowMs: () => 1, writeSnapshot, segmentBytesMax: 10_000 })
  await journal.open()
  return journal
}
const name = (number: number) => formatSegmentName({ run: 'rtest-0', number })

describe('crc32c', () => {
  it('has the check value of the polynomial (RFC 3720 B.4)', () => {
    expect(crc32c(new TextEncoder().encode('123456789'))).toBe(0xe3069283)
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa)
    expect(crc32c(new Uint8Array(32).fill(255))).toBe(0x62a8ab43)
  })

  it('is the same from anywhere in a buffer', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(20), (bytes, offset) => {
        const placed = new Uint8Array(bytes.length + offset + 3)
        placed.set(bytes, offset)
        expect(crc32c(placed, offset, offset + bytes.length)).toBe(crc32c(bytes))
      }),
    )
  })
})

describe('a journal record', () => {
  const record = fc.oneof(
    fc.record({
      type: fc.constant('audio' as const),
      handle: fc.nat(0xffffffff),
      track: fc.nat(255),
      positionTicks: fc.maxSafeNat(),
      bytes: fc.uint8Array({ maxLength: 300 }),
    }),
    fc.record({
      type: fc.constantFrom('begin' as const, 'checkpoint' as const, 'end' as const, 'settled' as const),
      handle: fc.nat(0xffffffff),
      value: fc.record({ text: fc.string(), number: fc.integer() }),
    }),
  )
  const write = (records: readonly (typeof record extends fc.Arbitrary<infer T> ? T : never)[]) => {
    const batch = new JournalBatch()
    for (const each of records) {
      if (each.type === 'audio') batch.audio(each.handle, each.track, each.positionTicks, each.bytes)
      else batch.json(each.type, each.handle, each.value)
    }
    return batch.bytes.slice()
  }

  it('comes back as it was written', () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 20 }), (records) => {
        const head = formatSegmentHead(1, 1)
        const { records: read, damagedBytes } = parseSegment(Buffer.concat([head, write(records)]))
        expect(damagedBytes).toBe(0)
        expect(read.map((each) => ('bytes' in each ? { ...each, bytes: [...each.bytes] } : each))).toEqual(
          records.map((each) => ('bytes' in each ? { ...each, bytes: [...each.bytes] } : each)),
        )
      }),
    )
  })

  it('is never read after damage, nor anything behind it', () => {
    fc.assert(
      fc.property(
        fc.array(record, { minLength: 1, maxLength: 8 }),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (records, at, flip) => {
          const head = formatSegmentHead(1, 1)
          const bytes = Buffer.concat([head, write(records)])
          const place = head.length + (at % (bytes.length - head.length))
          bytes[place] = (bytes[place] as number) ^ flip
          const { records: read } = parseSegment(bytes)
          const clean = parseSegment(Buffer.concat([head, write(records)])).records
          expect(read.length).toBeLessThan(clean.length)
          expect(read).toEqual(clean.slice(0, read.length))
        },
      ),
    )
  })

  it('cut anywhere leaves those before the cut', () => {
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 8 }), fc.nat(), (records, at) => {
        const bytes = write(records)
        let offset = 0
        let whole = 0
        const cut = at % bytes.length
        for (
          let parsed = parseJournalRecord(bytes, 0);
          parsed !== 'damaged';
          parsed = parseJournalRecord(bytes, offset)
        ) {
          if (parsed.nextOffset <= cut) whole += 1
          offset = parsed.nextOffset
          if (offset >= bytes.length) break
        }
        const head = formatSegmentHead(1, 1)
        expect(parseSegment(Buffer.concat([head, bytes.subarray(0, cut)])).records).toHaveLength(whole)
      }),
    )
  })

  it('never throws and never loops on any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        parseSegment(bytes)
        parseSegment(Buffer.concat([formatSegmentHead(7, 1), bytes]))
      }),
    )
  })
})

describe('a journal', () => {
  it('makes durable what was added before a commit, and nothing that was added after it began', async () => {
    const disk = new SimulatedDisk()
    const journal = await openJournal(disk)
    journal.batch.json('begin', 1, 'first')
    const committed = journal.commit()
    journal.batch.json('begin', 2, 'second')
    await committed
    const after = disk.afterPowerLoss({ random: () => 0.65 })
    expect((await readSegment(after, name(1))).records.map(({ handle }) => handle)).toEqual([1])
    await journal.commit()
    const later = disk.afterPowerLoss({ random: () => 0.65 })
    expect((await readSegment(later, name(1))).records.map(({ handle }) => handle)).toEqual([1, 2])
  })

  it('shares one sync between all that wait', async () => {
    const disk = new SimulatedDisk()
    const journal = await openJournal(disk)
    let syncs = 0
    disk.onOperation = (operation) => {
      if (operation === 'sync') syncs += 1
    }
    const commits = Array.from({ length: 20 }, (_, handle) => {
      journal.batch.json('begin', handle, null)
      return journal.commit()
    })
    await Promise.all(commits)
    expect(syncs).toBe(2)
    expect((await readSegment(disk, name(1))).records).toHaveLength(20)
  })

  it('begins a new segment with a snapshot, and drops those that nobody needs', async () => {
    const disk = new SimulatedDisk()
    const journal = await openJournal(disk, (batch) => batch.json('checkpoint', 9, 'snapshot'))
    for (let written = 0; written <= 10; written += 1) {
      journal.batch.audio(1, 0, written, new Uint8Array(1000))
      await journal.commit()
    }
    expect(journal.segment).toBe(2)
    const { records } = await readSegment(disk, name(2))
    expect(records.map(({ type }) => type)).toEqual(['checkpoint', 'audio'])
    await journal.dropBelow(2)
    expect(disk.names()).toEqual([`journal/${name(2)}`])
    await journal.dropBelow(99)
    expect(disk.names()).toEqual([`journal/${name(2)}`])
  })

  it('rejects a commit that failed, and goes on', async () => {
    const disk = new SimulatedDisk()
    const journal = await openJournal(disk)
    disk.onOperation = (operation) => {
      if (operation === 'sync') throw new Error('no sync')
    }
    journal.batch.json('begin', 1, null)
    await expect(journal.commit()).rejects.toThrow('no sync')
    disk.onOperation = () => {}
    journal.batch.json('begin', 2, null)
    await journal.commit()
    expect((await readSegment(disk, name(1))).records.map(({ handle }) => handle)).toEqual([2])
  })
})

describe('segment names', () => {
  it('come back, and nothing else is one', () => {
    expect(parseSegmentName(formatSegmentName({ run: 'rabc-12', number: 3 }))).toEqual({ run: 'rabc-12', number: 3 })
    for (const text of ['', 'x.wal', 'rabc-1-3.wal', 'rabc-1-00000003.wal.tmp', '../rabc-1-00000003.wal']) {
      expect(parseSegmentName(text), text).toBeUndefined()
    }
  })
})
