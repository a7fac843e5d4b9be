/**
 * The package `lodestore/node`: the same engine on a folder, for tests, tools and servers.
 */

export * from './engine.js'
export { nodeStorage } from './storage/node.js'
