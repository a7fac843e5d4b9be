/**
 * The list of files: a grid that makes rows only for what is in sight, so that it is as fast with ten thousand files as with ten.
 *
 * All rows have one height (`--row` in style.css), so a row's place follows from its number. The grid itself keeps the focus and
 * `aria-activedescendant` names the active cell: rows can then be reused while scrolling and the focus is never lost.
 */
import type { Entry } from './names.js'
import { bytes, count, element } from './page.js'
import type { Thumbnails } from './thumbnails.js'
import { baseName, endingOf } from './types.js'

export type Action = 'open' | 'copy' | 'download' | 'delete'
export type Order = 'name' | 'newest' | 'size' | 'type'

const grid = element('list', HTMLElement)
const body = element('list-rows', HTMLElement)
const empty = element('list-empty', HTMLElement)
const template = element('row', HTMLTemplateElement)

/** Rows beyond the edges, so that a quick scroll finds them there. */
const SPARE_ROWS = 6
const COLUMNS = 6
/** So many characters at the end of a long name are always shown: the ending, and what tells numbered files apart. */
const TAIL = 10
/** An ending that is shown in place of a thumbnail has room for so many. */
const ENDING_LENGTH_MAX = 4
// From a plain table to a widget with one tab stop, whose cells are chosen with the arrow keys.
grid.setAttribute('role', 'grid')
grid.setAttribute('aria-colcount', String(COLUMNS))
grid.tabIndex = 0

const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' })
const byName = (a: Entry, b: Entry) => collator.compare(a.name, b.name)
const ORDERS: { readonly [order in Order]: (a: Entry, b: Entry) => number } = {
  name: byName,
  newest: (a, b) => b.added - a.added || byName(a, b),
  size: (a, b) => b.size - a.size || byName(a, b),
  type: (a, b) => collator.compare(a.type, b.type) || byName(a, b),
}

export class FileList {
  readonly #act: (action: Action, entry: Entry) => void
  readonly #thumbnails: Thumbnails
  #all: Entry[] = []
  #shown: readonly Entry[] = []
  #order: Order = 'name'
  #words: string[] = []
  #rows: HTMLElement[] = []
  #active = { row: 0, column: 0 }
  #frame = 0

  constructor(thumbnails: Thumbnails, act: (action: Action, entry: Entry) => void) {
    this.#thumbnails = thumbnails
    this.#act = act
    grid.addEventListener('scroll', () => this.#later())
    grid.addEventListener('keydown', (event) => this.#onKey(event))
    grid.addEventListener('click', (event) => this.#onClick(event))
    new ResizeObserver(() => this.#later()).observe(grid)
  }

  /** What the filter lets through, in the order of the list. */
  get shown(): readonly Entry[] {
    return this.#shown
  }

  get filtered(): boolean {
    return this.#words.length > 0
  }

  /** Draws what is in sight again: thumbnails come when they are made. */
  redraw(): void {
    this.#later()
  }

  show(entries: Iterable<Entry>): void {
    this.#all = [...entries].sort(ORDERS[this.#order])
    this.#filter()
  }

  orderBy(order: Order): void {
    this.#order = order
    this.#all.sort(ORDERS[order])
    this.#filter()
  }

  /** Shows only files whose name or type has each of the words. */
  filterBy(text: string): void {
    this.#words = text.toLowerCase().split(/\s+/).filter(Boolean)
    this.#active.row = 0
    grid.scrollTop = 0
    this.#filter()
  }

  #filter(): void {
    const words = this.#words
    this.#shown =
      words.length === 0
        ? this.#all
        : this.#all.filter(({ name, type }) => {
            const text = `${name} ${type}`.toLowerCase()
            return words.every((word) => text.includes(word))
          })
    this.#active.row = Math.min(this.#active.row, Math.max(0, this.#shown.length - 1))
    grid.setAttribute('aria-rowcount', String(this.#shown.length + 1))
    body.style.setProperty('--rows', String(this.#shown.length))
    empty.textContent =
      this.#shown.length > 0
        ? ''
        : this.#all.length > 0
          ? 'No file has this in its name or type.'
          : 'Nothing stored yet. Add some files above.'
    element('list-count', HTMLElement).textContent =
      words.length > 0 ? `${count(this.#shown.length)} of ${count(this.#all.length)}` : count(this.#all.length)
    this.#later()
  }

  #later(): void {
    cancelAnimationFrame(this.#frame)
    this.#frame = requestAnimationFrame(() => this.#draw())
  }

  #draw(): void {
    const { height, heads } = measures()
    const first = Math.max(0, Math.floor(grid.scrollTop / height) - SPARE_ROWS)
    const wanted = Math.min(
      this.#shown.length - first,
      Math.ceil((grid.clientHeight - heads) / height) + 2 * SPARE_ROWS,
    )
    const pool = Math.max(0, wanted)
    if (this.#rows.length !== pool) {
      for (const row of this.#rows.splice(pool)) row.remove()
      while (this.#rows.length < pool) this.#rows.push(newRow())
      body.append(...this.#rows)
    }
    for (let index = first; index < first + pool; index += 1) {
      // A row in sight keeps its element while the list is scrolled.
      const row = this.#rows[index % pool]
      const entry = this.#shown[index]
      if (!row || !entry) continue
      fillRow(row, entry, index)
      showThumbnail(row, this.#thumbnails.get(entry))
    }
    this.#markActive()
  }

  #markActive(): void {
    for (const cell of body.querySelectorAll('.active')) cell.classList.remove('active')
    const cell = document.getElementById(cellId(this.#active.row, this.#active.column))
    cell?.classList.add('active')
    if (cell) grid.setAttribute('aria-activedescendant', cell.id)
    else grid.removeAttribute('aria-activedescendant')
  }

  #moveTo(row: number, column: number): void {
    const { height, heads } = measures()
    this.#active = { row: clamp(row, this.#shown.length - 1), column: clamp(column, COLUMNS - 1) }
    const top = this.#active.row * height
    const room = grid.clientHeight - heads
    if (top < grid.scrollTop) grid.scrollTop = top
    else if (top + height > grid.scrollTop + room) grid.scrollTop = top + height - room
    // At once: the next key may come before the next frame.
    this.#draw()
  }

  #onKey(event: KeyboardEvent): void {
    if (event.altKey || event.ctrlKey || event.metaKey || this.#shown.length === 0) return
    const { row, column } = this.#active
    const { height } = measures()
    const page = Math.max(1, Math.floor(grid.clientHeight / height) - 1)
    const moves: { [key: string]: [number, number] } = {
      ArrowDown: [row + 1, column],
      ArrowUp: [row - 1, column],
      ArrowRight: [row, column + 1],
      ArrowLeft: [row, column - 1],
      PageDown: [row + page, column],
      PageUp: [row - page, column],
      Home: [0, column],
      End: [this.#shown.length - 1, column],
    }
    const move = moves[event.key]
    const entry = this.#shown[row]
    if (move) this.#moveTo(...move)
    else if (entry && (event.key === 'Enter' || event.key === ' ')) {
      const cell = document.getElementById(cellId(row, column))
      this.#act(actionOf(cell?.querySelector('button')) ?? 'open', entry)
    } else if (entry && event.key === 'Delete') this.#act('delete', entry)
    else return
    event.preventDefault()
  }

  #onClick(event: MouseEvent): void {
    const target = event.target instanceof Element ? event.target : undefined
    const row = Number(target?.closest<HTMLElement>('[data-index]')?.dataset.index ?? -1)
    const entry = this.#shown[row]
    if (!entry) return
    const cell = target?.closest('td')
    this.#active = { row, column: cell?.parentElement ? [...cell.parentElement.children].indexOf(cell) : 0 }
    this.#markActive()
    grid.focus({ preventScroll: true })
    const action = actionOf(target?.closest('button'))
    if (action) this.#act(action, entry)
  }
}

function newRow(): HTMLElement {
  const row = (template.content.cloneNode(true) as DocumentFragment).firstElementChild
  if (!(row instanceof HTMLElement)) throw new Error('the template of a row is empty')
  return row
}

/** Fills a row's texts in place: what is in sight is changed, never moved. */
function fillRow(row: HTMLElement, entry: Entry, index: number): void {
  row.style.setProperty('--index', String(index))
  if (row.dataset.index === String(index) && row.dataset.entry === entryId(entry)) return
  row.dataset.index = String(index)
  row.dataset.entry = entryId(entry)
  row.setAttribute('aria-rowindex', String(index + 2))
  const base = baseName(entry.name)
  const ending = (endingOf(base) || 'file').slice(0, ENDING_LENGTH_MAX)
  const thumbnail = row.querySelector('.thumbnail')
  thumbnail?.setAttribute('data-ending', ending)
  thumbnail?.classList.toggle('long', ending.length === ENDING_LENGTH_MAX)
  for (const [column, cell] of [...row.children].entries()) cell.id = cellId(index, column)
  setText(row, '.folder', entry.name.slice(0, entry.name.length - base.length))
  const tail = base.length > 2 * TAIL ? base.slice(-TAIL) : ''
  setText(row, '.stem', base.slice(0, base.length - tail.length))
  setText(row, '.tail', tail)
  const type = entry.type || 'unknown'
  const family = type.slice(0, type.indexOf('/') + 1)
  setText(row, '.family', family)
  setText(row, '.kind', type.slice(family.length))
  setText(row, '.size', bytes(entry.size))
  setText(row, '.key button', entry.key.slice(0, 8))
  const labels = {
    open: `${entry.name}: open`,
    copy: `Copy the key ${entry.key.slice(0, 8)}…`,
    download: `Download ${base}`,
    delete: `Delete ${base}`,
  }
  for (const button of row.querySelectorAll('button')) {
    const action = actionOf(button)
    if (action) button.setAttribute('aria-label', labels[action])
    if (action === 'open') button.title = entry.name
  }
}

function showThumbnail(row: HTMLElement, url: string | undefined): void {
  const picture = row.querySelector('img')
  if (!picture || (picture.getAttribute('src') ?? undefined) === url) return
  picture.hidden = url === undefined
  if (url === undefined) picture.removeAttribute('src')
  else picture.src = url
}

function setText(row: HTMLElement, selector: string, text: string): void {
  const target = row.querySelector(selector)
  if (target) target.textContent = text
}

function actionOf(button: HTMLElement | null | undefined): Action | undefined {
  return button?.dataset.action as Action | undefined
}

function entryId(entry: Entry): string {
  return `${entry.key} ${entry.type} ${entry.name}`
}

function cellId(row: number, column: number): string {
  return `cell-${row}-${column}`
}

function clamp(value: number, max: number): number {
  return Math.max(0, Math.min(max, value))
}

/** Height of a row, and of the heads above them (which are not there on a narrow page), in CSS pixels. */
function measures(): { height: number; heads: number } {
  return { height: Number.parseFloat(getComputedStyle(grid).getPropertyValue('--row')), heads: body.offsetTop }
}
