// Who may use an agent's socket: its user and root, where the system tells who connects; the modes of files judge the rest.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { mayConnect } from '../../src/agent/peer-node.ts'

describe('an agent', () => {
  test('lets in its own user and root', () => {
    assert.ok(mayConnect(1000, 1000))
    assert.ok(mayConnect(0, 1000))
    assert.ok(mayConnect(0, 0))
  })
  test('lets in no other, that of root neither', () => {
    assert.ok(!mayConnect(1001, 1000))
    assert.ok(!mayConnect(1000, 0))
    assert.ok(!mayConnect(65534, 1000))
  })
  test('lets in of whom the system tells nothing', () => {
    assert.ok(mayConnect(undefined, 1000))
    assert.ok(mayConnect(1000, undefined))
  })
})
