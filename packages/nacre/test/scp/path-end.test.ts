// The slashes at the end of a path: they go, but for a path that is nothing else.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withoutEndSlashes } from '../../src/scp/path-end.ts'
import { wantedNames } from '../../src/scp/request.ts'

test('slashes at the end go, and no others', () => {
  assert.equal(withoutEndSlashes('a//b//', 0), 'a//b')
  assert.equal(withoutEndSlashes('a', 0), 'a')
  assert.equal(withoutEndSlashes('//', 0), '')
  assert.equal(withoutEndSlashes('', 0), '')
})

test('a path of slashes alone stays the root where it must stay a path', () => {
  assert.equal(withoutEndSlashes('///', 1), '/')
  assert.equal(withoutEndSlashes('/', 1), '/')
  assert.equal(withoutEndSlashes('a/', 1), 'a')
  assert.equal(withoutEndSlashes('', 1), '')
})

// By a pattern this would take minutes.
test('a path of a great many slashes is nothing special', () => {
  assert.ok(wantedNames(`${'/'.repeat(1_000_000)}name`)('name'))
})
