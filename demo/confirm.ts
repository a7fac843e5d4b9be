/**
 * Asks before files are deleted. A modal dialog: the browser keeps the keyboard in it, takes Escape for no, and gives the focus back.
 */
import type { Entry } from './catalogue.js'
import { bytes, counted, element } from './page.js'

/** True when the person said yes. */
export function confirmDelete(entries: readonly Entry[]): Promise<boolean> {
  const dialog = element('confirm', HTMLDialogElement)
  const [first] = entries
  const size = bytes(entries.reduce((sum, entry) => sum + entry.size, 0))
  element('confirm-title', HTMLElement).textContent =
    entries.length === 1 && first ? `Delete ${first.name}?` : `Delete ${counted(entries.length, 'file')}?`
  element('confirm-text', HTMLElement).textContent = `${size} will be removed from the store. This cannot be undone.`
  dialog.returnValue = 'no'
  dialog.showModal()
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'), { once: true })
  })
}
