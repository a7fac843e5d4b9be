// @ts-check
/**
 * Serves one page of e2e/pages to a browser that a script drives, and answers what the page asks of the script. The page is bundled by Vite
 * as anybody's app would be, from `lodestore` as built in dist/, and is held in memory: a build during the run changes nothing.
 * The address is the same as long as the server lives, so a browser that starts again finds its storage. Called by prove.mjs, kill.mjs and bench.mjs.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

const FOLDER = 'e2e/pages'
const TYPES = new Map([
  ['.html', 'text/html; charset=utf-8'],
  ['.js', 'text/javascript; charset=utf-8'],
  ['.wasm', 'application/wasm'],
])

/** What the page asks with `ask(name, body)`; the result is sent as it is if it is a Buffer, else as JSON. @typedef {(body: Buffer) => unknown} Answer */

/**
 * @param {string} page the name of an HTML file in e2e/pages
 * @param {Record<string, Answer>} answers
 * @returns {Promise<{ url: string, close: () => void }>}
 */
export async function servePage(page, answers) {
  const files = await bundle(page)
  const server = createServer(async (request, response) => {
    try {
      const path = new URL(request.url ?? '/', 'http://localhost').pathname.slice(1)
      const file = files.get(path)
      const answer = request.method === 'POST' ? answers[path] : undefined
      if (answer !== undefined) {
        const result = await answer(Buffer.concat(await request.toArray()))
        response.end(Buffer.isBuffer(result) ? result : JSON.stringify(result ?? null))
      } else if (file !== undefined) {
        response.setHeader('Content-Type', TYPES.get(extname(path)) ?? 'application/octet-stream')
        response.end(file)
      } else {
        response.writeHead(404).end()
      }
    } catch (error) {
      response.writeHead(500).end(String(error))
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server of the page has no port')
  return {
    url: `http://127.0.0.1:${address.port}/${FOLDER}/${page}`,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

/**
 * The page and all it loads, by path.
 * @param {string} page
 * @returns {Promise<Map<string, string | Uint8Array>>}
 */
async function bundle(page) {
  const built = await build({
    configFile: false,
    root: fileURLToPath(new URL('..', import.meta.url)),
    base: './',
    logLevel: 'error',
    build: { write: false, modulePreload: false, target: 'es2022', rolldownOptions: { input: `${FOLDER}/${page}` } },
  })
  const outputs = [built].flat().flatMap((one) => ('output' in one ? one.output : []))
  return new Map(outputs.map((file) => [file.fileName, file.type === 'chunk' ? file.code : file.source]))
}
