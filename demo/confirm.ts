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

/** The question before this one is over. Browsers tell of it late (Chromium with its next frame), when the dialog may have been asked for again. */
let answered: Promise<unknown> = Promise.resolve()

/** True when the person said yes. */
export function confirmed(question: Question): Promise<boolean> {
  const answer = answered.then(() => ask(question))
  answered = answer
  return answer
}

function ask({ title, text, yes }: Question): Promise<boolean> {
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
