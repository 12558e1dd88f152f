// Reads what `npm test` printed and closes with the plain line `N passed, N failed`; fails when a test was skipped or none ran.
import { readFileSync } from 'node:fs'
import { stripVTControlCharacters } from 'node:util'

const summary = stripVTControlCharacters(readFileSync(0, 'utf8'))
  .split('\n')
  .findLast((line) => /^\s*Tests\s/.test(line))
const count = (word) => Number(new RegExp(`(\\d+) ${word}`).exec(summary ?? '')?.[1] ?? 0)
const [passed, failed, skipped] = [count('passed'), count('failed'), count('skipped') + count('todo')]

if (skipped > 0) console.error(`${skipped} tests were skipped: a skipped test is a defect here`)
console.log(`${passed} passed, ${failed} failed`)
process.exit(passed > 0 && failed === 0 && skipped === 0 ? 0 : 1)
