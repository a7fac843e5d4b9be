/**
 * The page at work: what each button, drop and row does with the store. One long task (adding, verifying, collecting, an archive)
 * runs at a time, files dropped meanwhile join those being added; opening, playing and small downloads go on beside it.
 */
import { addFiles, Queue, type Tally } from './add-files.js'
import { chooseTarget, exportArchive, importArchive } from './archive.js'
import { askToCollect, collect, compact, foundUnnamed, lookForUnnamed, verify } from './care.js'
import { confirmed } from './confirm.js'
import { BadArchive, explain, inOneLine } from './explain.js'
import { type Action, FileList, type Order } from './file-list.js'
import { downloadFile, openFile } from './hand-out.js'
import type { Entry, Names } from './names.js'
import { bytes, count, counted, element, throttled } from './page.js'
import { isPlayable, play } from './player.js'
import { addProblem } from './problems.js'
import type { Session } from './session.js'
import { type Source, sourcesOfDrop, sourcesOfInput } from './sources.js'
import { drawDisk } from './store-panel.js'
import { isBusy, type Running, runTask, say } from './task-panel.js'
import { Thumbnails } from './thumbnails.js'
import { typeToOpen } from './types.js'

/** A download of more shows how far it is, and can be cancelled. */
const QUICK_BYTES_MAX = 32 * 1024 * 1024
const ONE_AT_A_TIME = 'One thing at a time: wait until this has finished, or cancel it.'

const button = (id: string) => element(id, HTMLButtonElement)

export class Demo {
  readonly #session: Session
  readonly #names: Names
  readonly #list: FileList
  readonly #onLost: (error: unknown) => void
  readonly #redrawSoon = throttled(400, () => void this.#redraw())
  /** What is being added, so that more can join it. */
  #adding: { queue: Queue; running: Running } | undefined

  /** `onLost` is called when the store could not be opened again. */
  constructor(session: Session, names: Names, onLost: (error: unknown) => void) {
    this.#session = session
    this.#names = names
    this.#onLost = onLost
    const read = async (key: string) => (await session.store).get(key)
    const thumbnails = new Thumbnails(read, () => this.#list.redraw())
    this.#list = new FileList(thumbnails, (action, entry) => void this.#act(action, entry))
    this.#listenForFiles()
    this.#listenForButtons()
    void this.#redraw()
  }

  #listenForButtons(): void {
    const filter = element('filter', HTMLInputElement)
    filter.addEventListener('input', () => {
      this.#list.filterBy(filter.value)
      this.#enable()
    })
    const order = element('order', HTMLSelectElement)
    order.addEventListener('change', () => this.#list.orderBy(order.value as Order))
    const does: { [id: string]: () => Promise<void> } = {
      'delete-all': () => this.#delete([...this.#list.shown]),
      verify: () => this.#verify(false),
      repair: () => this.#verify(true),
      collect: () => this.#collect(),
      compact: () => this.#task('Compacting…', async (running) => compact(await this.#session.store, running)),
      export: () => this.#export(),
    }
    for (const [id, act] of Object.entries(does)) button(id).addEventListener('click', () => void act())
    const archive = element('archive-input', HTMLInputElement)
    button('import').addEventListener('click', () => archive.click())
    archive.addEventListener('change', () => {
      const [file] = archive.files ?? []
      archive.value = ''
      if (file) void this.#import(file)
    })
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
      say(`${ONE_AT_A_TIME} Then add the files again.`, 'bad')
      return
    }
    const queue = new Queue()
    const tally: Tally = { stored: 0, unchanged: 0, refused: 0 }
    const began = performance.now()
    const work = async (running: Running) => {
      this.#adding = { queue, running }
      this.#enable()
      try {
        queue.add(gather(running))
        await addFiles(queue, await this.#session.store, this.#names, tally, {
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
      return { sentence: soFar(), tone: tally.refused > 0 ? 'bad' : 'good' } as const
    }
    void this.#task('Adding files…', work, soFar)

    function soFar(): string {
      const parts = [tally.stored === 0 ? 'Nothing new stored.' : `${counted(tally.stored, 'file')} stored.`]
      if (tally.unchanged > 0) parts.push(`${count(tally.unchanged)} had been there already.`)
      if (tally.refused > 0) parts.push(`${count(tally.refused)} left out: see Problems.`)
      return parts.join(' ')
    }
  }

  async #act(action: Action, entry: Entry): Promise<void> {
    const { name, key } = entry
    if (action === 'delete') return this.#delete([entry])
    try {
      if (action === 'copy') {
        await navigator.clipboard.writeText(key)
        return say(`Copied the key of ${name}: ${key}`)
      }
      if (action === 'download') return await this.#download(entry, `${name} was handed to the browser as a download.`)
      if (isPlayable(entry)) return await play(this.#session.store, entry)
      const type = typeToOpen(entry.type)
      if (type === undefined) {
        return await this.#download(entry, `${name} is of a kind that is not shown here for safety: it was downloaded.`)
      }
      const done = await openFile(this.#session.store, entry, type)
      if (done === 'opened') say(`${name} is open in a new tab.`)
      else say('The browser did not allow a new tab: allow pop-ups for this page, or download the file.', 'bad')
    } catch (error) {
      if (action === 'copy') return say(`The browser did not allow copying. The key is ${key}`, 'bad')
      const sentence = inOneLine(error)
      say(`${name}: ${sentence}`, 'bad')
      addProblem(name, sentence, explain(error).detail)
    }
  }

  async #download(entry: Entry, sentence: string): Promise<void> {
    if (entry.size <= QUICK_BYTES_MAX) {
      await downloadFile(await this.#session.store, entry, {})
      return say(sentence)
    }
    await this.#task(`Reading ${entry.name}…`, async ({ signal, update }) => {
      await downloadFile(await this.#session.store, entry, {
        signal,
        onProgress: (done) => update(done / entry.size, `${bytes(done)} of ${bytes(entry.size)}`),
      })
      return { sentence, tone: 'good' }
    })
  }

  async #delete(entries: readonly Entry[]): Promise<void> {
    const [first] = entries
    if (!first) return
    if (isBusy()) return say(ONE_AT_A_TIME, 'bad')
    const one = entries.length === 1
    const what = one ? first.name : counted(entries.length, 'file')
    const size = bytes(entries.reduce((sum, entry) => sum + entry.size, 0))
    const text = `The ${one ? 'name goes' : 'names go'} now. The bytes (${size}) stay in the store until you press Collect.`
    if (!(await confirmed({ title: `Delete ${what}?`, text, yes: 'Delete' }))) return
    const work = async (running: Running) => {
      running.update(undefined, counted(entries.length, 'file'))
      const store = await this.#session.store
      await store.transaction(async (tx) => {
        await Promise.all(entries.map(({ name }) => tx.refs.delete(name)))
        running.signal.throwIfAborted()
      })
      this.#names.forget(entries)
      return { sentence: `Deleted ${what}. Collect gives the space back.`, tone: 'good' } as const
    }
    await this.#task('Deleting…', work, () => 'Nothing was deleted.')
  }

  async #verify(repair: boolean): Promise<void> {
    await this.#task(repair ? 'Repairing…' : 'Reading and checking every byte…', async (running) => {
      const outcome = await verify(await this.#session.store, this.#names, repair, running)
      button('repair').hidden = outcome.clean
      // A repair may have lost names.
      if (repair) await this.#names.load(await this.#session.store)
      return outcome
    })
  }

  async #collect(): Promise<void> {
    let found = { count: 0, bytes: 0 }
    await this.#task('Looking for what has no name…', async (running) => {
      found = await lookForUnnamed(await this.#session.store, running)
      return { sentence: foundUnnamed(found), tone: 'plain' }
    })
    if (found.count === 0 || !(await confirmed(askToCollect(found)))) return
    const soFar = () => 'What had been freed until then is gone, the rest is still there.'
    await this.#task('Collecting…', async (running) => collect(await this.#session.store, running), soFar)
  }

  async #export(): Promise<void> {
    const name = `lodestore-demo-${new Date().toISOString().slice(0, 10)}.tar`
    let target: FileSystemFileHandle | undefined
    try {
      target = await chooseTarget(name)
    } catch (error) {
      const isDismissed = error instanceof DOMException && error.name === 'AbortError'
      return isDismissed ? say('Nothing was exported.') : say(inOneLine(error), 'bad')
    }
    const work = async ({ signal, update }: Running) => {
      const onProgress = ({ done, total }: { done: number; total: number }) =>
        update(done / Math.max(1, total), `${bytes(done)} of ${bytes(total)}`)
      await exportArchive(await this.#session.store, name, target, { signal, onProgress })
      const where = target ? `It is in ${target.name}.` : `${name} was handed to the browser as a download.`
      return { sentence: `Everything is in the archive. ${where}`, tone: 'good' } as const
    }
    await this.#task('Writing an archive…', work, () => 'There is no archive.')
  }

  async #import(archive: File): Promise<void> {
    const phases = { reading: 'Unpacking: ', copying: 'Taking in: ' }
    const work = async ({ signal, update }: Running) => {
      const {
        contents,
        bytes: size,
        names,
        skipped,
      } = await importArchive(this.#session, archive, {
        signal,
        onProgress: ({ phase, done, total }) =>
          update(done / Math.max(1, total), `${phases[phase]}${bytes(done)} of ${bytes(total)}`),
      })
      for (const { file, key, message } of skipped)
        addProblem(file ?? key ?? archive.name, `${message}; it was left out.`)
      const rest = skipped.length > 0 ? ` ${counted(skipped.length, 'thing')} left out: see Problems.` : ''
      const sentence = `${counted(names, 'name')} and ${counted(contents, 'content')} (${bytes(size)}) taken in.${rest}`
      return { sentence, tone: skipped.length > 0 ? 'bad' : 'good' } as const
    }
    let soFar = 'What had been taken in until then stays.'
    // The store was closed here, and has whatever names it has now.
    const andReload = (running: Running) =>
      work(running)
        .catch((error) => {
          if (error instanceof BadArchive) soFar = ''
          throw error
        })
        .finally(async () => {
          await this.#session.store.then((store) => this.#names.load(store)).catch(this.#onLost)
        })
    await this.#task(`Taking in ${archive.name}…`, andReload, () => soFar)
  }

  /** Runs a task with the buttons set for it, and shows what it changed. */
  async #task(title: string, work: Parameters<typeof runTask>[2], soFar = () => ''): Promise<void> {
    await runTask(title, () => this.#enable(), work, soFar)
    await this.#redraw()
  }

  #enable(): void {
    const busy = isBusy()
    for (const id of ['verify', 'collect', 'compact', 'repair', 'export', 'import']) button(id).disabled = busy
    for (const id of ['pick-files', 'pick-folder']) button(id).disabled = busy && !this.#adding
    button('pick-folder').hidden = !('webkitdirectory' in HTMLInputElement.prototype)
    button('delete-all').disabled = busy || this.#list.shown.length === 0
    button('delete-all').textContent = this.#list.filtered ? 'Delete these…' : 'Delete all…'
  }

  async #redraw(): Promise<void> {
    this.#list.show(this.#names.all())
    this.#enable()
    try {
      await drawDisk(async () => (await this.#session.store).stats())
    } catch (error) {
      say(inOneLine(error), 'bad')
    }
  }
}
