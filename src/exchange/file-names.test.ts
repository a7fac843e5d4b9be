/** Which names can be files, and which cannot beside others. */

import { expect, test } from 'vitest'
import { FilePaths } from './file-names.js'

test.each([
  'a',
  'photo 1.jpg',
  'a/b/c.txt',
  'grüße/世界.md',
  '.hidden',
  '...a',
  'a.b.c',
  'con1',
  'company',
  `${'x'.repeat(255)}/${'ü'.repeat(127)}`,
  "it's (1) [2] {3} & more, 100%; #1 = ~$@!+^`",
])('%j can be a file', (name) => {
  expect(new FilePaths().take(name)).toBe(undefined)
})

test.each([
  ['/etc/passwd', 'slashes'],
  ['a/', 'slashes'],
  ['a//b', 'slashes'],
  ['/', 'slashes'],
  ['..', 'leads elsewhere'],
  ['../a', 'leads elsewhere'],
  ['a/../../b', 'leads elsewhere'],
  ['.', 'leads elsewhere'],
  ['a/./b', 'leads elsewhere'],
  ['..\\a', 'character'],
  ['C:a', 'character'],
  ['a\0b', 'character'],
  ['a\nb', 'character'],
  ['what?', 'character'],
  ['<b>', 'character'],
  ['a|b', 'character'],
  ['a*', 'character'],
  ['say "a"', 'character'],
  ['\u007f', 'character'],
  ['a ', 'ends with'],
  ['a./b', 'ends with'],
  ['...', 'ends with'],
  ['con', 'device'],
  ['a/NUL.txt', 'device'],
  ['Com1', 'device'],
  ['lpt\u00b2.tar.gz', 'device'],
  ['x'.repeat(256), 'more than 255 bytes'],
  ['ü'.repeat(128), 'more than 255 bytes'],
])('%j cannot be a file', (name, why) => {
  expect(new FilePaths().take(name)).toContain(why)
})

test.each<[string[], string, string | undefined]>([
  [['a'], 'b', undefined],
  [['a/b'], 'a/c', undefined],
  [['A/b'], 'a/c', undefined],
  [['a'], 'a', 'same name'],
  [['a'], 'A', 'same name'],
  [['e\u0301'], '\u00e9', 'same name'],
  [['STRASSE'], 'straße', 'same name'],
  [['\u212a'], 'k', 'same name'],
  [['\u1e9e'], 'ß', 'same name'],
  [['\u03b1\u0345\u0301'], '\u03b1\u0301\u0345', 'same name'],
  [['a/B'], 'A/b', 'same name'],
  [['a'], 'a/b', 'where a folder would have to be'],
  [['A'], 'a/b/c', 'where a folder would have to be'],
  [['a/b/c'], 'a', 'where the file would have to be'],
  [['a/b/c'], 'A/B', 'where the file would have to be'],
  [['a/'], 'a', undefined],
  [['a', 'a/b'], 'c/a/b', undefined],
])('beside %j there is %j: %s', (before, name, why) => {
  const paths = new FilePaths()
  for (const each of before) paths.take(each)
  if (why === undefined) expect(paths.take(name)).toBe(undefined)
  else expect(paths.take(name)).toContain(why)
})

test('no character is told from itself in another case or composition', () => {
  const missed: string[] = []
  for (let code = 0x20; code < 0x3_0000; code++) {
    const one = String.fromCodePoint(code)
    if (/[\ud800-\udfff]/.test(one) && code < 0x1_0000) continue
    for (const other of [one.toLowerCase(), one.toUpperCase(), one.normalize('NFC'), one.normalize('NFD')]) {
      if (other === one) continue
      const paths = new FilePaths()
      if (paths.take(one) === undefined && paths.take(other) === undefined) missed.push(code.toString(16))
    }
  }
  expect(missed).toEqual([])
})
