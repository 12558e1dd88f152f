import { expect, it } from 'vitest'
import { useFolders } from './support/cli.ts'

const folders = useFolders()

it('demo walks the API, places a call, hears it while it runs, and proves its recording and that of a SIPREC session', {
  timeout: 60_000,
}, async () => {
  const { code, stdout, stderr } = await folders.cli().run('demo')
  expect([code, stderr]).toEqual([0, ''])
  expect(stdout).toMatch(/INVITE sip:127\.0\.0\.1:\d+ +200 {2}answered in [\d.]+ ms, PCMU/)
  expect(stdout).toMatch(/while it runs +200 {2}[\d.]+ s so far, status recording/)
  expect(stdout).toMatch(/BYE +200 {2}status completed \d+ ms after it/)
  const worst = /all (\d+) tones are where they were sent: worst onset error ([\d.]+) ms/.exec(stdout)
  expect(Number(worst?.[1])).toBeGreaterThan(5)
  expect(Number(worst?.[2])).toBeLessThan(20)
  expect(stdout).toMatch(/INVITE sip:127\.0\.0\.1:\d+ +200 {2}SIPREC, answered in [\d.]+ ms, 2 streams/)
  expect(stdout).toMatch(/left has \d+ tones of the first voice and none of the other, right \d+ of the second/)
  expect(Number(/left and right are ([\d.]+) ms apart/.exec(stdout)?.[1])).toBeLessThan(20)
  expect(stdout).toMatch(/Everything answered as it should\.\n$/)
})
