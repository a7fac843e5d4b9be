/**
 * Options from a message, for a function that tells "absent" from "undefined": only what is there is passed on, and
 * only the fields that are named here, whatever else the message holds. Used by start-up and handlers.
 */

export function defined<T extends object>(fields: T): { [F in keyof T]?: Exclude<T[F], undefined> } {
  const there = Object.entries(fields).filter(([, value]) => value !== undefined)
  return Object.fromEntries(there) as { [F in keyof T]?: Exclude<T[F], undefined> }
}
