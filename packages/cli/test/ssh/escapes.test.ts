// Escape sequences: read at the start of a line, however the keys arrive, and nothing else is touched.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { escapeFilter } from '../../src/ssh/escapes.ts'

const typed = (keys: readonly string[]) => {
  const did: string[] = []
  const filter = escapeFilter('~', {
    disconnect: () => did.push('disconnect'),
    sendBreak: () => did.push('break'),
    rekey: () => did.push('rekey'),
    show: text => did.push(text.includes('Supported') ? 'help' : text),
  })
  let sent = ''
  let ended = false
  for (const each of keys) {
    const out = filter(Uint8Array.from(Buffer.from(each)))
    if (out === undefined) ended = true
    else sent += Buffer.from(out).toString()
  }
  return { did, sent, ended }
}

describe('escape sequences', () => {
  it('~. ends', () => assert.deepEqual(typed(['~.']), { did: ['disconnect'], sent: '', ended: true }))
  it('~. ends also when the keys come one by one', () => assert.equal(typed(['ls\r', '~', '.']).ended, true))
  it('is read at the start of a line only', () => assert.deepEqual(typed(['a~.']), { did: [], sent: 'a~.', ended: false }))
  it('~~ is one character', () => assert.equal(typed(['~~.']).sent, '~.'))
  it('an unknown one passes whole', () => assert.equal(typed(['~x\r']).sent, '~x\r'))
  it('~B, ~R and ~? act and send nothing', () =>
    assert.deepEqual(typed(['~B', '~R', '~?']), { did: ['break', 'rekey', 'help'], sent: '', ended: false }))
  it('plain text passes untouched', () => assert.equal(typed(['hello\rworld', '\x1b[A']).sent, 'hello\rworld\x1b[A'))
})
