import { randomUUID } from 'node:crypto'
import { beforeEach, expect, it } from 'vitest'
import { settle } from '../../../test/fakes/fake-timers.ts'
import { Seats } from './seats.ts'

const [ONE, OTHER] = [randomUUID(), randomUUID()]
let seats: Seats
let counts: number[]

beforeEach(() => {
  counts = []
  seats = new Seats({ projectMax: 2, onChanged: (count) => counts.push(count) })
})

it('are so many for each project', () => {
  seats.take(ONE)
  seats.take(ONE)
  expect(() => seats.take(ONE)).toThrow(
    expect.objectContaining({ code: 'WHIP_BUSY', retryable: true, message: '2 sessions of this project are running.' }),
  )
  seats.take(OTHER)
  expect(counts).toEqual([1, 2, 3])
})

it('are given back once each, however often it is said', () => {
  const [leave] = [seats.take(ONE), seats.take(ONE)]
  leave()
  leave()
  expect(counts).toEqual([1, 2, 1])
  seats.take(ONE)
  expect(() => seats.take(ONE)).toThrow()
})

it('are for nobody new when they are closed, and stay with who has them', () => {
  const leave = seats.take(ONE)
  seats.close()
  expect(() => seats.take(OTHER)).toThrow(
    expect.objectContaining({ code: 'WHIP_BUSY', message: 'The server is stopping.' }),
  )
  leave()
  expect(counts).toEqual([1, 0])
})

it('are all free at once when nobody is in', async () => {
  await seats.whenEmpty()
  seats.take(ONE)()
  await seats.whenEmpty()
})

it('are waited for by any number, until the last is free', async () => {
  const leaves = [seats.take(ONE), seats.take(OTHER)]
  let free = 0
  const waiting = [1, 2].map(() =>
    seats.whenEmpty().then(() => {
      free += 1
    }),
  )
  leaves[0]?.()
  await settle()
  expect(free).toBe(0)
  leaves[1]?.()
  await Promise.all(waiting)
  expect(free).toBe(2)
})
