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

const dialog = element('confirm', HTMLDialogElement)
const yesButton = element('confirm-yes', HTMLButtonElement)

/** Answers the question that is open, once. */
let answer: (yes: boolean) => void = () => undefined

dialog.addEventListener('submit', (event) => {
  event.preventDefault()
  dialog.close()
  answer(event.submitter === yesButton)
})
// Escape. Browsers tell of it late (Chromium with its next frame), when the dialog may be open again for the next question.
dialog.addEventListener('close', () => {
  if (!dialog.open) answer(false)
})

/** True when the person said yes. A question that was left when the next one comes is answered with no. */
export function confirmed({ title, text, yes }: Question): Promise<boolean> {
  answer(false)
  element('confirm-title', HTMLElement).textContent = title
  element('confirm-text', HTMLElement).textContent = text
  yesButton.textContent = yes
  dialog.showModal()
  return new Promise((resolve) => {
    answer = resolve
  })
}
