// @ts-check
/**
 * Many files in one message, the same in both directions: the length of a list as u32, the list as JSON, then the bytes of all its
 * entries one after another. Used by prove.mjs and by its page, which thousands of requests would slow down more than the store does.
 */

/**
 * The message in parts, so that nobody copies the bytes before they are sent.
 * @param {unknown[]} list
 * @param {Uint8Array<ArrayBuffer>[]} values
 */
export function pack(list, values) {
  const json = new TextEncoder().encode(JSON.stringify(list))
  const length = new Uint8Array(4)
  new DataView(length.buffer).setUint32(0, json.length, true)
  return [length, json, ...values]
}

/**
 * The list, and a view of the bytes of each entry, which says their `size`.
 * @template {{ size: number }} T
 * @param {Uint8Array<ArrayBuffer>} message
 * @returns {{ list: T[], values: Uint8Array<ArrayBuffer>[] }}
 */
export function unpack(message) {
  const length = new DataView(message.buffer, message.byteOffset).getUint32(0, true)
  let at = 4 + length
  /** @type {T[]} */
  const list = JSON.parse(new TextDecoder().decode(message.subarray(4, at)))
  const values = list.map(({ size }) => {
    at += size
    return message.subarray(at - size, at)
  })
  if (at !== message.length) throw new Error(`a message of ${message.length} bytes says it has ${at}`)
  return { list, values }
}
