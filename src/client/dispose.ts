/**
 * `Symbol.asyncDispose`, or a stand-in where the platform lacks it (and so `await using` too): loading the
 * page's side must not fail there, and no method may end up under the name "undefined".
 */

export const asyncDispose: typeof Symbol.asyncDispose =
  Symbol.asyncDispose ?? (Symbol.for('Symbol.asyncDispose') as typeof Symbol.asyncDispose)
