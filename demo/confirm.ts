/**
 * Asks before something is gone for good. A modal dialog: the browser keeps the keyboard in it, takes Escape for no, and gives the focus back.
 */
import { element } from './page.js'

export interface Question {
  title: string
  text: string
  /** What the button says that does it. */
  yes: string
}

/** True when the person said yes. */
export function confirmed({ title, text, yes }: Question): Promise<boolean> {
  const dialog = element('confirm', HTMLDialogElement)
  element('confirm-title', HTMLElement).textContent = title
  element('confirm-text', HTMLElement).textContent = text
  element('confirm-yes', HTMLButtonElement).textContent = yes
  dialog.returnValue = 'no'
  dialog.showModal()
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'), { once: true })
  })
}
