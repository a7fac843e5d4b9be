/**
 * The demo page: opens one store and ties the panels to it. It uses nothing but the public API of lodestore.
 * Who can do what when is decided in demo.ts; here are the start, its failure and the way out.
 */
import { openStore } from 'lodestore'
import readmeUrl from '../README.md?url&no-inline'
import { Catalogue } from './catalogue.js'
import { Demo } from './demo.js'
import { explain, inOneLine } from './explain.js'
import { counted, element } from './page.js'
import { addProblem } from './problems.js'
import { say } from './task-panel.js'

const STORE_NAME = 'demo'

/** Small, so that a few photographs already show more than one bar. A store for large data does well with the default. */
const SEGMENT_BYTES_MAX = 8 * 1024 * 1024

async function start(): Promise<void> {
  const store = await openStore(STORE_NAME, { maxSegmentSize: SEGMENT_BYTES_MAX })
  // A page that is kept for the back button must not keep others out of the store.
  window.addEventListener('pagehide', () => void store.close())
  window.addEventListener('pageshow', (event) => event.persisted && location.reload())

  const { catalogue, faults } = await Catalogue.load(store)
  for (const fault of faults) {
    addProblem(
      'Some names',
      `could not be read; their files are not in the list. ${inOneLine(fault)}`,
      explain(fault).detail,
    )
  }
  for (const damage of store.recovery.damaged) {
    addProblem(
      damage.file ?? 'The store',
      `found damaged: ${damage.message}. Press Verify to see all of it; all else can be used.`,
    )
  }
  new Demo(store, catalogue)

  if (store.recovery.damaged.length > 0) say('The store is open, but damaged: see Problems.', 'bad')
  else if (store.recovery.created) say('A new, empty store is open. Add some files.')
  else if (store.recovery.rolledBack.entries > 0) {
    say(`The store is open: ${counted(catalogue.size, 'file')}. What had not been finished last time was undone.`)
  } else say(`The store is open: ${counted(catalogue.size, 'file')}, all still here.`)
}

function fail(error: unknown): void {
  const { what, todo, detail } = explain(error)
  element('failure-what', HTMLElement).textContent = what
  element('failure-todo', HTMLElement).textContent = todo
  element('failure-detail', HTMLElement).textContent = detail
  element('failure', HTMLElement).hidden = false
  element('work', HTMLElement).hidden = true
  element('failure-retry', HTMLButtonElement).focus()
}

element('failure-retry', HTMLButtonElement).addEventListener('click', () => location.reload())
element('readme', HTMLAnchorElement).href = readmeUrl
start().catch(fail)
