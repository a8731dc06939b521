// Escape sequences: read at the start of a line, however the keys arrive, and nothing else is touched.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type EscapeActions, escapeFilter } from '../../src/ssh/escapes.ts'

const typed = (keys: readonly string[], more: Partial<EscapeActions> = {}, character = '~') => {
  const did: string[] = []
  let shown = ''
  const filter = escapeFilter(character, {
    disconnect: () => did.push('disconnect'),
    sendBreak: () => did.push('break'),
    rekey: () => did.push('rekey'),
    show: text => {
      shown += text
    },
    about: () => 'the connection\r\n',
    connections: () => 'the channels\r\n',
    ...more,
  })
  let sent = ''
  let ended = false
  for (const each of keys) {
    const out = filter(Uint8Array.from(Buffer.from(each)))
    if (out === undefined) ended = true
    else sent += Buffer.from(out).toString()
  }
  return { did, sent, ended, shown }
}

describe('escape sequences', () => {
  it('~. ends, and is shown', () => assert.deepEqual(typed(['~.']), { did: ['disconnect'], sent: '', ended: true, shown: '~.\r\n' }))
  it('~. ends also when the keys come one by one', () => assert.equal(typed(['ls\r', '~', '.']).ended, true))
  it('is read at the start of a line only', () => assert.deepEqual(typed(['a~.']), { did: [], sent: 'a~.', ended: false, shown: '' }))
  it('~~ is one character', () => assert.equal(typed(['~~.']).sent, '~.'))
  it('an unknown one passes whole', () => assert.equal(typed(['~x\r']).sent, '~x\r'))
  it('~B and ~R act and send nothing', () => {
    const { did, sent, ended } = typed(['~B', '~R'])
    assert.deepEqual({ did, sent, ended }, { did: ['break', 'rekey'], sent: '', ended: false })
  })
  it('~# and ~I show what is asked', () => assert.equal(typed(['~#', '~I']).shown, '~#\r\nthe channels\r\n~I\r\nthe connection\r\n'))
  it('~? lists what there is, and no more', () => {
    const few = typed(['~?']).shown
    assert.match(few, /^~\?\r\nSupported escape sequences:\r\n ~\. {3}- /)
    assert.doesNotMatch(few, /~C|~\^Z|~&|~v/)
    const all = typed(['~?'], { suspend() {}, background() {}, commandLine() {}, louder: () => '' }).shown
    for (const each of ['~.', '~B', '~C', '~I', '~R', '~V', '~v', '~^Z', '~#', '~&', '~?', '~~'])
      assert.ok(all.includes(`\r\n ${each}`), `${each} in ${all}`)
  })
  it('one that is not to be had here is told of and not sent, where that is wished for', () => {
    const missing: string[] = []
    const { sent, ended } = typed(['~\x1a~C~v~x\r~~'], { missing: shown => void missing.push(shown) })
    assert.deepEqual({ sent, ended, missing }, { sent: '~x\r~', ended: false, missing: ['~^Z', '~C', '~v'] })
  })
  it('~^Z stops, and what is typed afterwards is sent', () => {
    let stopped = 0
    const { sent, ended, shown } = typed(['~\x1als\r'], { suspend: () => void stopped++ })
    assert.deepEqual({ sent, ended, stopped, shown }, { sent: 'ls\r', ended: false, stopped: 1, shown: '~^Z [suspend ssh]\r\n' })
  })
  it('~& reads no more', () => {
    let left = 0
    const { ended, sent } = typed(['~&rm\r'], { background: () => void left++ })
    assert.deepEqual({ ended, sent, left }, { ended: true, sent: '', left: 1 })
  })
  it('~v and ~V say at which level it talks', () => {
    const steps: number[] = []
    const louder = (by: 1 | -1): string => `LogLevel ${steps.push(by)}`
    assert.equal(typed(['~v~V'], { louder }).shown, '~v [LogLevel 1]\r\n~V [LogLevel 2]\r\n')
    assert.deepEqual(steps, [1, -1])
  })
  it('another character escapes, a control character is shown with a caret', () => {
    assert.equal(typed(['~.', '\r%.'], {}, '%').ended, true)
    const control = typed(['\x01?'], {}, '\x01')
    assert.match(control.shown, /^\^A\?\r\nSupported/)
    assert.match(control.shown, / \^A\. {3}- /)
  })
  it('plain text passes untouched', () => assert.equal(typed(['hello\rworld', '\x1b[A']).sent, 'hello\rworld\x1b[A'))
})
