/**
 * The results of a run as a drawing: for each scenario the medians as bars, with a line from the least to the greatest. It has its own ground and
 * colours for light and dark, so it reads on any page. Pure text in, text out.
 */
import { moreIsBetter, type RowFigures, rowsOf, shown } from './figures.js'
import type { RunResult } from './run.js'
import type { Scenario } from './scenarios.js'

const WIDTH = 920
const COLUMNS = 2
const MARGIN = 24
const GAP = 32
const LABEL_WIDTH = 190
const FIGURE_WIDTH = 52
const LINE_HEIGHT = 20
const BAR_HEIGHT = 12
const HEAD_HEIGHT = 44
const PANEL_WIDTH = (WIDTH - 2 * MARGIN - (COLUMNS - 1) * GAP) / COLUMNS
const BARS_WIDTH = PANEL_WIDTH - LABEL_WIDTH - FIGURE_WIDTH

const STYLE = `text{font:12px system-ui,sans-serif;fill:#17211f}.title{font-size:16px;font-weight:600}.head{font-weight:600;font-size:13px}
.muted{fill:#51605c}.ground{fill:#fff;stroke:#d5dcda}.own{fill:#12897e}.other{fill:#9aa8a4}.own-text{font-weight:600}.spread{stroke:#17211f;stroke-width:1.5}
@media (prefers-color-scheme:dark){text{fill:#e6edeb}.muted{fill:#a3b3af}.ground{fill:#182120;stroke:#2d3a37}.own{fill:#3fb8a8}.other{fill:#64736f}.spread{stroke:#e6edeb}}`

export function plot(result: RunResult, scenarios: Scenario[], title: string): string {
  const panels = scenarios.map((scenario) => ({ scenario, rows: rowsOf(scenario, result) }))
  const bottoms: number[] = new Array(COLUMNS).fill(MARGIN + 40)
  const drawn = panels.map(({ scenario, rows }) => {
    const column = bottoms.indexOf(Math.min(...bottoms))
    const top = bottoms[column] ?? 0
    bottoms[column] = top + HEAD_HEIGHT + rows.length * LINE_HEIGHT + GAP / 2
    return panel(scenario, rows, MARGIN + column * (PANEL_WIDTH + GAP), top)
  })
  const height = Math.max(...bottoms) + MARGIN / 2
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title">`,
    `<title id="title">${escaped(title)}</title><style>${STYLE}</style>`,
    `<rect class="ground" x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="12"/>`,
    text(MARGIN, MARGIN + 12, 'title', title),
    ...drawn,
    '</svg>\n',
  ].join('\n')
}

function panel(scenario: Scenario, rows: RowFigures[], left: number, top: number): string {
  const longest = Math.max(...rows.map(({ high }) => high ?? 0))
  const scale = (value: number) => round((value / longest) * BARS_WIDTH)
  const better = moreIsBetter(scenario) ? 'longer is better' : 'shorter is better'
  const lines = rows.map(({ label, own, median, low, high, missing }, index) => {
    const y = top + HEAD_HEIGHT + index * LINE_HEIGHT
    const base = y + BAR_HEIGHT - 2
    const labelled = text(left, base, own ? 'own-text' : '', label)
    const x = left + LABEL_WIDTH
    if (median === undefined || low === undefined || high === undefined) {
      return labelled + text(x, base, 'muted', missing === undefined ? 'not measured' : 'not available')
    }
    const middle = y + BAR_HEIGHT / 2
    return (
      labelled +
      `<rect class="${own ? 'own' : 'other'}" x="${x}" y="${y}" width="${Math.max(1, scale(median))}" height="${BAR_HEIGHT}" rx="2"/>` +
      `<path class="spread" d="M${round(x + scale(low))} ${middle}H${round(x + scale(high))}"/>` +
      text(left + PANEL_WIDTH, base, own ? 'own-text' : '', shown(median), 'end')
    )
  })
  return `<g>${text(left, top + 14, 'head', scenario.title)}${text(left, top + 31, 'muted', `${scenario.unit}, ${better}`)}\n${lines.join('\n')}</g>`
}

function text(x: number, y: number, className: string, content: string, anchor = 'start'): string {
  return `<text x="${round(x)}" y="${round(y)}" class="${className}" text-anchor="${anchor}">${escaped(content)}</text>`
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
