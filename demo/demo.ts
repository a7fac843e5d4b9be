/**
 * The page at work: what each button, drop and row does with the store. One long task (adding, verifying, compacting,
 * deleting) runs at a time, files dropped meanwhile join those being added; opening and downloading go on beside it.
 */
import type { Store } from 'lodestore'
import { addFiles, Queue, type Tally } from './add-files.js'
import type { Catalogue, Entry } from './catalogue.js'
import { confirmDelete } from './confirm.js'
import { explain, inOneLine } from './explain.js'
import { type Action, FileList, type Order } from './file-list.js'
import { downloadFile, openFile } from './hand-out.js'
import { bytes, count, counted, element, percent, throttled } from './page.js'
import { addProblem } from './problems.js'
import { type Source, sourcesOfDrop, sourcesOfInput } from './sources.js'
import { drawQuota, drawStats } from './store-panel.js'
import { isBusy, type Running, runTask, say } from './task-panel.js'

/** Whoever presses Compact wants the space back now, so segments with few dead bytes are rewritten too. */
const COMPACT_THRESHOLD = 0.05

const button = (id: string) => element(id, HTMLButtonElement)

export class Demo {
  readonly #store: Store
  readonly #catalogue: Catalogue
  readonly #list: FileList
  readonly #redrawSoon = throttled(400, () => void this.#redraw())
  /** What is being added, so that more can join it. */
  #adding: { queue: Queue; running: Running } | undefined

  constructor(store: Store, catalogue: Catalogue) {
    this.#store = store
    this.#catalogue = catalogue
    this.#list = new FileList((action, entry) => void this.#act(action, entry))
    this.#listenForFiles()
    const filter = element('filter', HTMLInputElement)
    filter.addEventListener('input', () => {
      this.#list.filterBy(filter.value)
      this.#enable()
    })
    const order = element('order', HTMLSelectElement)
    order.addEventListener('change', () => this.#list.orderBy(order.value as Order))
    button('delete-all').addEventListener('click', () => void this.#delete([...this.#list.shown]))
    button('verify').addEventListener('click', () => void this.#verify(false))
    button('repair').addEventListener('click', () => void this.#verify(true))
    button('compact').addEventListener('click', () => void this.#compact())
    void this.#redraw()
  }

  #listenForFiles(): void {
    for (const kind of ['files', 'folder']) {
      const input = element(`${kind}-input`, HTMLInputElement)
      button(`pick-${kind}`).addEventListener('click', () => input.click())
      input.addEventListener('change', () => {
        const sources = sourcesOfInput(input)
        // So that choosing the same once more is a change again.
        input.value = ''
        this.#add(() => sources)
      })
    }
    // The whole page takes drops: one that misses a box would make the browser leave the page.
    const mark = (over: boolean) => element('add', HTMLElement).classList.toggle('over', over)
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false
    document.addEventListener('dragover', (event) => {
      if (!hasFiles(event)) return
      event.preventDefault()
      mark(true)
    })
    document.addEventListener('dragleave', (event) => {
      if (event.relatedTarget === null) mark(false)
    })
    document.addEventListener('drop', (event) => {
      const transfer = event.dataTransfer
      if (!transfer || !hasFiles(event)) return
      event.preventDefault()
      mark(false)
      this.#add(({ signal, update }) =>
        sourcesOfDrop(transfer, {
          signal,
          onFound: (found) => update(undefined, `${counted(found, 'file')} found so far`),
          onUnreadable: (name, error) => addProblem(name, inOneLine(error), explain(error).detail),
        }),
      )
    })
  }

  /** Adds what `gather` finds, or has it join what is being added. `gather` is called at once. */
  #add(gather: (running: Running) => Source[] | Promise<Source[]>): void {
    if (this.#adding) {
      this.#adding.queue.add(gather(this.#adding.running))
      return
    }
    if (isBusy()) {
      say('One thing at a time: wait until this has finished, or cancel it, then add the files again.', 'bad')
      return
    }
    const queue = new Queue()
    const tally: Tally = { stored: 0, unchanged: 0, refused: 0 }
    const began = performance.now()
    void this.#task('Adding files…', soFar, async (running) => {
      this.#adding = { queue, running }
      this.#enable()
      try {
        queue.add(gather(running))
        await addFiles(queue, this.#catalogue, tally, {
          signal: running.signal,
          onProgress: (files, done) => {
            const rate = bytes((1000 * done) / Math.max(1, performance.now() - began))
            const figures = `${count(files)} of ${counted(queue.sources.length, 'file')} · ${bytes(done)} of ${bytes(queue.bytes)} · ${rate}/s`
            running.update(queue.bytes > 0 ? done / queue.bytes : files / queue.sources.length, figures)
          },
          onCommit: this.#redrawSoon,
          onRefused: (name, error) => addProblem(name, inOneLine(error), explain(error).detail),
        })
      } finally {
        this.#adding = undefined
      }
      return { sentence: soFar(), tone: tally.refused > 0 ? 'bad' : 'good' }
    })

    function soFar(): string {
      const parts = [tally.stored === 0 ? 'Nothing new stored.' : `${counted(tally.stored, 'file')} stored.`]
      if (tally.unchanged > 0) parts.push(`${count(tally.unchanged)} had been there already.`)
      if (tally.refused > 0) parts.push(`${count(tally.refused)} left out: see Problems.`)
      return parts.join(' ')
    }
  }

  async #act(action: Action, entry: Entry): Promise<void> {
    if (action === 'delete') return this.#delete([entry])
    try {
      if (action === 'copy') {
        await navigator.clipboard.writeText(entry.key)
        say(`Copied the key of ${entry.name}: ${entry.key}`)
      } else if (action === 'download') {
        await downloadFile(this.#store, entry)
        say(`${entry.name} was handed to the browser as a download.`)
      } else {
        const done = await openFile(this.#store, entry)
        if (done === 'opened') say(`${entry.name} is open in a new tab.`)
        else if (done === 'downloaded')
          say(`${entry.name} is of a kind that is not shown here for safety: it was downloaded.`)
        else say('The browser did not allow a new tab: allow pop-ups for this page, or download the file.', 'bad')
      }
    } catch (error) {
      if (action === 'copy') return say(`The browser did not allow copying. The key is ${entry.key}`, 'bad')
      const sentence = inOneLine(error)
      say(`${entry.name}: ${sentence}`, 'bad')
      addProblem(entry.name, sentence, explain(error).detail)
    }
  }

  async #delete(entries: readonly Entry[]): Promise<void> {
    if (entries.length === 0) return
    if (isBusy()) return say('One thing at a time: wait until this has finished, or cancel it.', 'bad')
    if (!(await confirmDelete(entries))) return
    await this.#task('Deleting…', notDone, async (running) => {
      running.update(undefined, counted(entries.length, 'file'))
      await this.#catalogue.change(() => {
        running.signal.throwIfAborted()
        return { removed: entries, added: [] }
      })
      const what = entries.length === 1 && entries[0] ? entries[0].name : counted(entries.length, 'file')
      return { sentence: `Deleted ${what}. Compact gives the space back.`, tone: 'good' }
    })

    function notDone(): string {
      return 'Nothing was deleted.'
    }
  }

  async #verify(repair: boolean): Promise<void> {
    await this.#task(
      repair ? 'Repairing…' : 'Reading and checking every byte…',
      () => '',
      async ({ signal, update }) => {
        const report = await this.#store.check({
          repair,
          signal,
          onProgress: ({ done, total }) => update(done / Math.max(1, total), `${bytes(done)} of ${bytes(total)}`),
        })
        for (const { message, file, key, segment, offset } of report.findings) {
          const entry = [...this.#catalogue.entries()].find((candidate) => candidate.key === key)
          const place =
            segment === undefined ? '' : ` (segment ${segment}${offset === undefined ? '' : `, offset ${offset}`})`
          addProblem(entry?.name ?? file ?? 'The store', `${message}${place}`, key)
        }
        button('repair').hidden = report.clean
        const read = `${counted(report.entries, 'entry', 'entries')}, ${bytes(report.bytes)}`
        if (report.repaired) {
          const { kept, lost } = report.repaired
          return {
            sentence: `Repaired: ${count(kept)} entries kept, ${counted(lost.length, 'blob')} lost. What was touched is kept in lost+found.`,
            tone: report.clean ? 'good' : 'bad',
          }
        }
        return report.clean
          ? { sentence: `All is well: ${read} read, and nothing is wrong.`, tone: 'good' }
          : {
              sentence: `${counted(report.findings.length, 'thing')} found wrong in ${read}: see Problems. Repair keeps all that is good.`,
              tone: 'bad',
            }
      },
    )
  }

  async #compact(): Promise<void> {
    await this.#task(
      'Compacting…',
      () => '',
      async ({ signal, update }) => {
        const report = await this.#store.compact({
          threshold: COMPACT_THRESHOLD,
          signal,
          onProgress: ({ done, total }) => update(done / Math.max(1, total), `${bytes(done)} of ${bytes(total)}`),
        })
        if (report.segments === 0) {
          const { deadBytes, logBytes } = await this.#store.stats()
          return {
            sentence: `There is nothing worth compacting: ${percent(deadBytes, logBytes)} of the bytes are dead.`,
            tone: 'good',
          }
        }
        return {
          sentence: `${bytes(report.freedBytes)} given back: ${counted(report.segments, 'segment')} rewritten, ${bytes(report.copiedBytes)} of live bytes copied on.`,
          tone: 'good',
        }
      },
    )
  }

  /** Runs a task with the buttons set for it, and shows what it changed. */
  async #task(title: string, soFar: () => string, work: Parameters<typeof runTask>[2]): Promise<void> {
    await runTask(title, () => this.#enable(), work, soFar)
    await this.#redraw()
  }

  #enable(): void {
    const busy = isBusy()
    for (const id of ['verify', 'compact', 'repair']) button(id).disabled = busy
    for (const id of ['pick-files', 'pick-folder']) button(id).disabled = busy && !this.#adding
    button('pick-folder').hidden = !('webkitdirectory' in HTMLInputElement.prototype)
    button('delete-all').disabled = busy || this.#list.shown.length === 0
    button('delete-all').textContent = this.#list.filtered ? 'Delete these…' : 'Delete all…'
  }

  async #redraw(): Promise<void> {
    this.#list.show(this.#catalogue.entries())
    this.#enable()
    try {
      drawStats(await this.#store.stats())
      await drawQuota()
    } catch (error) {
      say(inOneLine(error), 'bad')
    }
  }
}
