import type { Line } from './line.ts'

const ROW = 56
const LEFT = 24
const SCALE = 640
const WIDTH = LEFT * 2 + SCALE + 160

const escapeText = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

const drawRow = ({ work, against, ratio = 0, rounds, target, isReached }: Line, row: number): string => {
  const y = row * ROW + 20
  const x = (value: number) => LEFT + Math.min(value, 1.05) * SCALE
  const goal = Number(target.replace(/[^\d.]/g, ''))
  const dots = rounds.map(
    (round) => `<circle cx="${x(round).toFixed(1)}" cy="${y + 17}" r="3" fill="#222" opacity=".5"/>`,
  )
  return [
    `<text x="${LEFT}" y="${y}">${escapeText(work)} <tspan fill="#666">against ${escapeText(against)}: ${ratio.toFixed(2)}</tspan></text>`,
    `<rect x="${LEFT}" y="${y + 8}" width="${(x(ratio) - LEFT).toFixed(1)}" height="18" fill="${isReached ? '#2a7f62' : '#c2703d'}"/>`,
    ...dots,
    `<line x1="${x(goal)}" x2="${x(goal)}" y1="${y + 4}" y2="${y + 30}" stroke="#222" stroke-width="2"/>`,
  ].join('\n')
}

/** The lines that are ratios as an SVG bar chart: the bar is the median, the dots are the rounds, the upright line is the target. */
export const plot = (lines: readonly Line[]): string => {
  const drawn = lines.filter(({ ratio }) => ratio !== undefined)
  const height = drawn.length * ROW + 28
  const one = LEFT + SCALE
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="13">
<title>Ratios of Poulsen to its references</title>
<rect width="100%" height="100%" fill="#fff"/>
<line x1="${one}" x2="${one}" y1="8" y2="${height - 16}" stroke="#bbb" stroke-dasharray="3 3"/>
<text x="${one}" y="${height - 4}" text-anchor="middle" fill="#666">1.0 = the reference</text>
${drawn.map(drawRow).join('\n')}
</svg>
`
}
