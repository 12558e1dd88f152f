// Reads what `npm test` printed, of all its runs, and closes with the plain line `N passed, N failed`; fails when a test was skipped or a run had none.
import { readFileSync } from 'node:fs'
import { stripVTControlCharacters } from 'node:util'

const summaries = stripVTControlCharacters(readFileSync(0, 'utf8'))
  .split('\n')
  .filter((line) => /^\s*Tests\s/.test(line))
const countIn = (line, word) => Number(new RegExp(`(\\d+) ${word}`).exec(line)?.[1] ?? 0)
const count = (word) => summaries.reduce((sum, line) => sum + countIn(line, word), 0)
const [passed, failed, skipped] = [count('passed'), count('failed'), count('skipped') + count('todo')]

if (skipped > 0) console.error(`${skipped} tests were skipped: a skipped test is a defect here`)
console.log(`${passed} passed, ${failed} failed`)
process.exit(
  summaries.length > 0 && summaries.every((line) => countIn(line, 'passed') > 0) && failed === 0 && skipped === 0
    ? 0
    : 1,
)
