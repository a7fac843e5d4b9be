/**
 * The way from a page to the script that drives it (scripts/page-server.mjs): one question, one answer. Used by the pages
 * of `npm run prove` and `npm run kill`.
 */
export async function ask(question: string, body: BodyInit): Promise<Response> {
  const response = await fetch(`/${question}`, { method: 'POST', body })
  if (!response.ok) throw new Error(`${question}: ${await response.text()}`)
  return response
}
