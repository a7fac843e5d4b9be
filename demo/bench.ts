/**
 * The page that measures: runs the project's own benchmark in the visitor's browser and draws what comes out as it comes. The address may say how
 * much: `?rounds=1&scale=0.01`.
 */

import { moreIsBetter, type RowFigures, rowsOf, shown } from '../e2e/bench/figures.js'
import { type RunResult, runBench } from '../e2e/bench/run.js'
import { SCENARIOS, type Scenario } from '../e2e/bench/scenarios.js'
import readmeUrl from '../README.md?url&no-inline'
import { element } from './page.js'
import { isBusy, runTask } from './task-panel.js'

interface Length {
  text: string
  rounds: number
  scale: number
}

const LENGTHS: Length[] = [
  { text: 'Short: 2 rounds with few values, about a minute', rounds: 2, scale: 0.1 },
  { text: 'Long: 5 rounds with all values, some minutes, up to 300 MB', rounds: 5, scale: 1 },
]

/** Time for the browser to draw before the next turn begins. */
const DRAWING_MS = 30

const length = element('length', HTMLSelectElement)
const measure = element('measure', HTMLButtonElement)
const results = element('results', HTMLElement)

const asked = askedLength(new URLSearchParams(location.search))
const lengths = asked === undefined ? LENGTHS : [asked, ...LENGTHS]
length.append(...lengths.map(({ text }) => new Option(text)))
element('readme', HTMLAnchorElement).href = readmeUrl
measure.addEventListener('click', () => void start())

function askedLength(words: URLSearchParams): Length | undefined {
  const rounds = Number(words.get('rounds'))
  const scale = Number(words.get('scale'))
  if (!(Number.isInteger(rounds) && rounds > 0 && scale > 0 && scale <= 1)) return undefined
  return { text: `As the address says: ${rounds} × ${scale}`, rounds, scale }
}

async function start(): Promise<void> {
  const { rounds, scale } = lengths[length.selectedIndex] ?? (LENGTHS[0] as Length)
  const onBusy = () => {
    measure.disabled = isBusy()
    length.disabled = isBusy()
  }
  results.replaceChildren()
  await runTask('Measuring…', onBusy, async ({ signal, update }) => {
    const result = await runBench({
      rounds,
      scale,
      signal,
      async onProgress({ done, total, text }, result) {
        update(done / total, text)
        draw(result)
        await new Promise((resolve) => setTimeout(resolve, DRAWING_MS))
      },
    })
    draw(result)
    const missing = Object.keys(result.missing).length
    const sentence = `Measured in ${rounds === 1 ? '1 round' : `${rounds} rounds`}.`
    if (missing === 0) return { sentence, tone: 'good' }
    return { sentence: `${sentence} Some could not take part here: the tables say why.`, tone: 'plain' }
  })
}

/** All scenarios of which something is known. */
function draw(result: RunResult): void {
  const sections = SCENARIOS.map((scenario) => ({ scenario, rows: rowsOf(scenario, result) }))
  const known = sections.filter(({ rows }) => rows.some(({ median, missing }) => median !== undefined || missing))
  results.replaceChildren(...known.map(({ scenario, rows }) => section(scenario, rows)))
}

function section(scenario: Scenario, rows: RowFigures[]): HTMLElement {
  const title = make('h2', '', scenario.title)
  title.id = `title-${scenario.name}`
  const better = moreIsBetter(scenario) ? 'longer bars are better' : 'shorter bars are better'
  const heads = make('tr')
  for (const [className, text] of [
    ['who', ''],
    ['bar-head', better],
    ['figure', scenario.unit],
    ['than', 'lead'],
  ] as const) {
    const head = make('th', className, text)
    head.scope = 'col'
    if (className === 'than') head.title = 'How many times better the first line is'
    heads.append(head)
  }
  const head = make('thead')
  head.append(heads)
  const longest = Math.max(...rows.map(({ high }) => high ?? 0))
  const body = make('tbody')
  body.append(...rows.map((row) => line(row, longest)))
  const table = make('table')
  table.setAttribute('aria-labelledby', title.id)
  table.append(head, body)
  const panel = make('section', 'panel')
  panel.setAttribute('aria-labelledby', title.id)
  panel.append(title, table)
  return panel
}

function line({ label, own, median, low, high, firstIsBetter, missing }: RowFigures, longest: number): HTMLElement {
  const row = make('tr', own ? 'own' : '')
  const head = make('th', '', label)
  head.scope = 'row'
  row.append(head)
  if (median === undefined || low === undefined || high === undefined) {
    const cell = make('td', 'missing', missing === undefined ? 'not measured yet' : `not available here: ${missing}`)
    cell.colSpan = 3
    row.append(cell)
    return row
  }
  const bar = make('span', 'length')
  bar.style.inlineSize = `${(100 * median) / longest}%`
  const spread = make('span', 'spread')
  spread.style.insetInlineStart = `${(100 * low) / longest}%`
  spread.style.inlineSize = `${(100 * (high - low)) / longest}%`
  const drawing = make('span', 'measure')
  drawing.append(bar, spread)
  const drawn = make('td')
  drawn.append(drawing)
  const figure = make('td', '', shown(median))
  figure.title = `${shown(low)} to ${shown(high)}`
  row.append(drawn, figure, make('td', 'than', firstIsBetter === undefined ? '' : `${shown(firstIsBetter)} ×`))
  return row
}

function make<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  className = '',
  text = '',
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name)
  made.className = className
  made.textContent = text
  return made
}
