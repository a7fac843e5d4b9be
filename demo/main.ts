/**
 * The demo page: opens one store and ties the panels to it. It uses nothing but the public API of lodestore.
 * Who can do what when is decided in demo.ts; here are the start, its failure and the way out.
 */
import readmeUrl from '../README.md?url&no-inline'
import { Demo } from './demo.js'
import { explain } from './explain.js'
import { Names } from './names.js'
import { counted, element } from './page.js'
import { addProblem } from './problems.js'
import { serve } from './serve.js'
import { Session } from './session.js'
import { say } from './task-panel.js'

async function start(): Promise<void> {
  const session = new Session()
  const { recovery } = await session.store
  // A page that is kept for the back button must not keep others out of the store.
  window.addEventListener('pagehide', () => void session.close())
  window.addEventListener('pageshow', (event) => event.persisted && location.reload())

  const names = new Names()
  await names.load(await session.store)
  for (const damage of recovery.damaged) {
    addProblem(
      damage.file ?? 'The store',
      `found damaged: ${damage.message}. Press Verify to see all of it; all else can be used.`,
    )
  }
  // Without it films are read whole before they play: nothing to trouble anybody with.
  serve(session, names).catch((error) => console.info('no service worker:', error))
  new Demo(session, names, fail)

  if (recovery.damaged.length > 0) say('The store is open, but damaged: see Problems.', 'bad')
  else if (recovery.created) say('A new, empty store is open. Add some files.')
  else if (recovery.rolledBack.entries > 0) {
    say(`The store is open: ${counted(names.size, 'file')}. What had not been finished last time was undone.`)
  } else say(`The store is open: ${counted(names.size, 'file')}, all still here.`)
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
