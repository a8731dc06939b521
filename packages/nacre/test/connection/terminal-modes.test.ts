// Encoded terminal modes (RFC 4254 §8): a real client's, unknown ones, and malformed ones.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { terminalModeOpcodes, terminalModes, type TerminalModes } from '../../src/connection/terminal-modes.ts'
import { WireError } from '../../src/errors.ts'
import { bytes, decode, encode } from '../../src/wire/codec.ts'

const vector = JSON.parse(readFileSync(new URL('vectors/pty-req-openssh.json', import.meta.url), 'utf8')) as { readonly modes: string }
const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'))
const asString = (text: string): Uint8Array => encode(bytes, hex(text))

describe('terminal modes', () => {
  it("reads what OpenSSH's client sends", () => {
    const modes = decode(terminalModes, asString(vector.modes))
    assert.equal(Object.keys(modes).length, 52)
    assert.deepEqual(
      [modes.TTY_OP_ISPEED, modes.TTY_OP_OSPEED, modes.VINTR, modes.VEOL, modes.ECHO, modes.ICANON, modes.IUTF8, modes.ONLCR, modes.CS7],
      [38400, 38400, 3, 255, 1, 1, 0, 1, 1],
    )
    assert.ok(Object.keys(modes).every(name => name in terminalModeOpcodes))
  })

  it('writes the same bytes again', () => {
    assert.deepEqual(encode(terminalModes, decode(terminalModes, asString(vector.modes))), asString(vector.modes))
  })

  it('has every name of RFC 4254 §8 at an opcode of its own', () => {
    const opcodes = Object.values(terminalModeOpcodes)
    assert.equal(new Set(opcodes).size, opcodes.length)
    assert.ok(opcodes.every(each => each >= 1 && each <= 159))
    assert.equal(opcodes.length, 56)
  })

  it('keeps opcodes without a name', () => {
    const modes: TerminalModes = { VINTR: 3, 'opcode-99': 7, 'opcode-159': 0xffffffff }
    assert.deepEqual(encode(terminalModes, modes), asString('0100000003 6300000007 9fffffffff 00'))
    assert.deepEqual(decode(terminalModes, encode(terminalModes, modes)), modes)
  })

  it('takes an empty string, and a list without an end, as some clients send', () => {
    assert.deepEqual(decode(terminalModes, asString('')), {})
    assert.deepEqual(decode(terminalModes, asString('3500000001')), { ECHO: 1 })
  })

  it('stops at the end and at opcodes from 160 on, whatever follows', () => {
    assert.deepEqual(decode(terminalModes, asString('350000000100 ffff')), { ECHO: 1 })
    assert.deepEqual(decode(terminalModes, asString('3500000001a0 01')), { ECHO: 1 })
  })

  it('refuses an opcode without its whole argument', () => {
    for (const cut of ['35', '3500', '35000000']) assert.throws(() => decode(terminalModes, asString(cut)), WireError)
  })

  it('refuses to write what is no mode', () => {
    for (const name of ['ECHOO', 'opcode-0', 'opcode-160', 'opcode-', 'toString']) {
      assert.throws(() => encode(terminalModes, { [name]: 1 } as TerminalModes), WireError)
    }
    assert.throws(() => encode(terminalModes, { ECHO: -1 }), WireError)
  })
})
