import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { expect, it } from 'vitest'
import { waitFor } from '../support/wait-for.ts'
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
  expect(stdout).toMatch(/Everything answered as it should\.\n.*npm run demo -- --stay.*\n$/)
})

it('demo --stay offers its page until Ctrl-C, and leaves nothing behind', { timeout: 60_000 }, async () => {
  const tmpdir = folders.fresh()
  const demo = folders.cli().startWith({ TMPDIR: tmpdir }, 'demo', '--stay')
  const demoFolders = () => readdirSync(tmpdir).filter((name) => name.startsWith('poulsen-demo-'))
  const ended = once(demo, 'exit')
  let printed = ''
  demo.stdout?.on('data', (text: Buffer) => {
    printed += text
  })
  const [, page = '', fragment] = await waitFor(
    () => /(http:\S+\/whip\/demo)#(project=[0-9a-f-]{36}&token=PT[0-9a-f]{48})\n/.exec(printed) ?? undefined,
    40_000,
  )
  expect(fragment).toBeDefined()
  expect(await (await fetch(page)).text()).toContain('<title>Record your microphone')
  expect(demoFolders()).toHaveLength(1)
  demo.kill('SIGINT')
  expect(await ended).toEqual([0, null])
  expect(demoFolders()).toEqual([])
  await expect(fetch(page)).rejects.toThrow()
})
