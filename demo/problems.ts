/**
 * The list of what went wrong: one line a problem, what it is about and what to do. Long lists are cut; the number of all is kept.
 */
import { count, element } from './page.js'

const section = element('problems', HTMLElement)
const title = element('problems-title', HTMLElement)
const list = element('problems-list', HTMLElement)

const SHOWN_MAX = 200
let all = 0

element('problems-clear', HTMLButtonElement).addEventListener('click', () => {
  all = 0
  list.replaceChildren()
  section.hidden = true
  element('task-text', HTMLElement).focus()
})

/** Adds a line. `detail` is for a report to the makers. */
export function addProblem(subject: string, sentence: string, detail = ''): void {
  all += 1
  section.hidden = false
  title.textContent =
    all > SHOWN_MAX ? `Problems (${count(all)}, the first ${SHOWN_MAX} shown)` : `Problems (${count(all)})`
  if (all > SHOWN_MAX) return
  const line = document.createElement('li')
  const name = document.createElement('strong')
  name.textContent = subject
  line.append(name, `: ${sentence}`)
  line.title = detail
  list.append(line)
}
