import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { formatNumber, type Line, median } from './line.ts'

/** What one of each thing costs, as the benches in bench/results have measured it on one core, or on this machine. */
export interface UnitCosts {
  /** Two streams each, in the open and by SRTP. */
  readonly callsPerCore: number
  readonly securedCallsPerCore: number
  readonly diskKibPerStreamSecond: number
  readonly memoryKibPerStream: number
  readonly s3MegabytesPerSecond: number
  readonly rowBytes: number
  readonly databaseMsPerRecording: number
  readonly databaseLogBytesPerRecording: number
  readonly sweptKeysPerSecond: number
}

/** What is to be carried. */
export interface Demand {
  /** At once, of two G.711 streams and one stereo recording each. */
  readonly calls: number
  readonly meanSeconds: number
  /** Kept at the same time. */
  readonly recordings: number
}

/** A row of the page: what is needed, and how it comes about. */
export interface Need {
  readonly what: string
  readonly needed: string
  readonly from: string
}

/** What of a core, a link or a disk may be used, so that a pause of the machine loses nothing. */
const LOAD = 0.6
const STREAMS = 2
const NODE_CORES = 8
const CAPTURE_CORES = 6
const G711_BYTES_PER_SECOND = 8_000
const PACKETS_PER_SECOND = 50
/** RTP 12, UDP 8, IPv4 20, Ethernet with preamble and gap 38. */
const PACKET_OVERHEAD_BYTES = 78
const BITS = 8
const DAY_SECONDS = 86_400
const HOUR_SECONDS = 3_600
const KIB = 1024

/** What a demand needs by these costs. Pure: the same page from the same results. */
export const size = (costs: UnitCosts, { calls, meanSeconds, recordings }: Demand): readonly Need[] => {
  const streams = calls * STREAMS
  const perSecond = calls / meanSeconds
  const audioBytes = STREAMS * G711_BYTES_PER_SECOND
  const packetBytes = G711_BYTES_PER_SECOND / PACKETS_PER_SECOND + PACKET_OVERHEAD_BYTES
  const cores = (perCore: number) => coresOf(calls / (perCore * LOAD))
  const nodes = (perCore: number) => Math.ceil(calls / (perCore * LOAD) / CAPTURE_CORES) + 1
  const load = `${LOAD * 100} % of each used`
  return [
    need('capture, in the open', cores(costs.callsPerCore), `${costs.callsPerCore} calls a core, ${load}`),
    need('capture, SRTP', cores(costs.securedCallsPerCore), `${costs.securedCallsPerCore} calls a core, ${load}`),
    need(
      `nodes of ${NODE_CORES} cores, one to spare`,
      `${nodes(costs.callsPerCore)}; SRTP: ${nodes(costs.securedCallsPerCore)}`,
      `${CAPTURE_CORES} cores of each for capture`,
    ),
    need(
      'memory of the calls',
      amount(streams * costs.memoryKibPerStream * KIB),
      `${formatNumber(costs.memoryKibPerStream)} KiB a stream`,
    ),
    need(
      'network, in',
      `${formatNumber((streams * PACKETS_PER_SECOND * packetBytes * BITS) / 1e9)} Gbit/s, ${formatNumber(streams * PACKETS_PER_SECOND)} packets/s`,
      `${PACKETS_PER_SECOND} packets of ${packetBytes} bytes a stream and second`,
    ),
    need(
      'disks of the nodes, written',
      `${amount(streams * costs.diskKibPerStreamSecond * KIB)}/s`,
      `${formatNumber(costs.diskKibPerStreamSecond)} KiB/s a stream: journal and file`,
    ),
    need(
      'to S3',
      `${amount(calls * audioBytes)}/s`,
      `${formatNumber(audioBytes / 1000)} kB/s a call; two cores beside their S3 server moved ${costs.s3MegabytesPerSecond} MB/s`,
    ),
    need('room for a day without S3', amount(calls * audioBytes * DAY_SECONDS), 'the same, on the disks of all nodes'),
    need(
      'PostgreSQL, processor',
      `${formatNumber((perSecond * costs.databaseMsPerRecording) / 1000)} of a core`,
      `${formatNumber(perSecond)} recordings/s, ${formatNumber(costs.databaseMsPerRecording)} ms each`,
    ),
    need(
      'PostgreSQL, log',
      `${amount(perSecond * costs.databaseLogBytesPerRecording)}/s`,
      `${formatNumber(costs.databaseLogBytesPerRecording)} bytes a recording`,
    ),
    need(
      'PostgreSQL, tables and indexes',
      amount(recordings * costs.rowBytes),
      `${formatNumber(costs.rowBytes)} bytes a recording`,
    ),
    need(
      'S3, bytes',
      amount(recordings * audioBytes * meanSeconds),
      `${formatNumber((audioBytes * meanSeconds) / 1e6)} MB a recording`,
    ),
    need(
      'S3, one pass of the sweeper',
      `${formatNumber(recordings / costs.sweptKeysPerSecond / HOUR_SECONDS)} hours, ${formatNumber(recordings / 1000)} requests`,
      `${formatNumber(costs.sweptKeysPerSecond)} keys/s and what a thousand take to be listed`,
    ),
  ]
}

const need = (what: string, needed: string, from: string): Need => ({ what, needed, from })
const coresOf = (value: number): string => (value > 1 ? `${Math.ceil(value)} cores` : '1 core')

/** Bytes as people say them, in powers of ten. */
const amount = (bytes: number): string => {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB']
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(bytes) / 3)))
  return `${formatNumber(bytes / 1000 ** power)} ${units[power]}`
}

/** The unit costs out of what the benches have written. Throws when one of them has not been measured. */
export const readCosts = (folder = new URL('./results/', import.meta.url)): UnitCosts => {
  const linesOf = (name: string) =>
    (JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')) as { lines: readonly Line[] }).lines
  const lineOf = (name: string, work: string): Line => {
    const line = linesOf(name).find((each) => each.work.startsWith(work))
    if (!line) throw new Error(`${name} has not measured: ${work}`)
    return line
  }
  const leading = (name: string, work: string) => Number.parseFloat(lineOf(name, work).ours.replaceAll(',', ''))
  const cost = (work: string) => median(lineOf('costs', work).rounds)
  return {
    callsPerCore: leading('sessions', 'SIPREC sessions a core, G.711, stereo'),
    securedCallsPerCore: leading('sessions', 'SIPREC sessions a core, G.711, SRTP (AES-CM'),
    s3MegabytesPerSecond: leading('upload-s3', 'upload to S3: objects of 960 kB'),
    diskKibPerStreamSecond: cost('disk written'),
    memoryKibPerStream: cost('memory of a stream'),
    rowBytes: cost('rows of a recorded call'),
    databaseMsPerRecording: cost("PostgreSQL's processor time"),
    databaseLogBytesPerRecording: cost("PostgreSQL's log"),
    sweptKeysPerSecond: cost('keys of media'),
  }
}

/** The needs as a table in Markdown. */
export const formatNeeds = (needs: readonly Need[]): string =>
  [
    '| | needed | from |',
    '|---|---|---|',
    ...needs.map(({ what, needed, from }) => `| ${what} | ${needed} | ${from} |`),
  ].join('\n')

/** What docs/operating/scaling.md reckons with. */
export const LARGE: Demand = { calls: 10_000, meanSeconds: 180, recordings: 1e9 }

/** `npm run sizing -- [calls] [mean seconds] [recordings]` */
if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [calls = LARGE.calls, meanSeconds = LARGE.meanSeconds, recordings = LARGE.recordings] = process.argv
    .slice(2)
    .map(Number)
  if (![calls, meanSeconds, recordings].every((each) => each > 0 && Number.isFinite(each))) {
    console.error('usage: npm run sizing -- [calls at once] [mean seconds of one] [recordings kept], all above 0')
    process.exit(2)
  }
  console.log(formatNeeds(size(readCosts(), { calls, meanSeconds, recordings })))
}
