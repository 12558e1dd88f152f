import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { formatNumber, type Line } from './line.ts'
import { measureCapture } from './lines/capture.ts'
import { measureCosts } from './lines/costs.ts'
import { measureDownloads } from './lines/download.ts'
import { measureHangUp } from './lines/hang-up.ts'
import { measureNodes } from './lines/nodes.ts'
import { measurePostgres } from './lines/postgres.ts'
import { measureReads } from './lines/reads.ts'
import { measureSessions } from './lines/sessions.ts'
import { measureUploads } from './lines/upload.ts'
import { measureS3Uploads } from './lines/upload-s3.ts'
import { measureWhip } from './lines/whip.ts'
import { plot } from './plot.ts'

/**
 * `npm run bench` runs all, `npm run bench -- upload download` some. Prints one table, writes bench/results/<name>.json, and draws all results
 * there are into docs/operating/figures.svg.
 */
const BENCHES: Readonly<Record<string, () => Promise<readonly Line[]>>> = {
  reads: measureReads,
  postgres: measurePostgres,
  nodes: measureNodes,
  upload: measureUploads,
  'upload-s3': measureS3Uploads,
  download: measureDownloads,
  capture: measureCapture,
  sessions: measureSessions,
  whip: measureWhip,
  'hang-up': measureHangUp,
  costs: measureCosts,
}

const RESULTS = 'bench/results'
const asked = process.argv.slice(2)
const unknown = asked.find((name) => !(name in BENCHES))
if (unknown !== undefined) throw new Error(`${unknown} is no bench; there are ${Object.keys(BENCHES).join(', ')}`)

const machine = {
  cpu: cpus()[0]?.model,
  cores: cpus().length,
  memoryGiB: Math.round(totalmem() / 1024 ** 3),
  node: process.version,
}
const lines: Line[] = []
for (const [name, run] of Object.entries(BENCHES)) {
  if (asked.length > 0 && !asked.includes(name)) continue
  console.error(`bench: ${name} …`)
  try {
    const measured = await run()
    lines.push(...measured)
    mkdirSync(RESULTS, { recursive: true })
    writeFileSync(`${RESULTS}/${name}.json`, `${JSON.stringify({ machine, lines: measured }, null, 2)}\n`)
  } catch (error) {
    console.error(`bench: ${name} was NOT measured: ${error instanceof Error ? error.message : error}`)
    process.exitCode = 1
  }
}

const results = Object.keys(BENCHES).filter((name) => readdirSync(RESULTS).includes(`${name}.json`))
const read = (name: string) => JSON.parse(readFileSync(`${RESULTS}/${name}.json`, 'utf8')) as { lines: Line[] }
writeFileSync('docs/operating/figures.svg', plot(results.flatMap((name) => read(name).lines)))

console.log('| work | against | ratio | target | ours | reference |')
console.log('|---|---|---|---|---|---|')
for (const { work, against, ratio, target, isReached, ours, reference } of lines) {
  const shown = ratio === undefined ? '–' : formatNumber(ratio)
  console.log(
    `| ${work} | ${against} | ${shown} | ${target}${isReached ? '' : ' **not reached**'} | ${ours} | ${reference} |`,
  )
}
process.exit()
