// ssh_config on this machine: which files are read, who may have written them, what Include finds, and what commands say.
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { clientMachine, readOpensshConfig } from '../../src/client/config-node.ts'
import { optionLine } from '../../src/config/option-line.ts'
import { ConfigError } from '../../src/errors.ts'

const folder = mkdtempSync(join(tmpdir(), 'nacre-config-'))
after(() => rmSync(folder, { recursive: true, force: true }))

let counter = 0
const file = (text: string, mode = 0o600, name = `file${++counter}`): string => {
  const path = join(folder, name)
  writeFileSync(path, text)
  chmodSync(path, mode)
  return path
}
const portOf = async (text: string, host = 'h'): Promise<number> => (await readOpensshConfig(host, { file: file(text) })).config.port

describe('the file that is named', () => {
  it('is the only one that is read', async () => assert.equal(await portOf('Port 7\n'), 7))
  it('may be none', async () => {
    const { given } = await readOpensshConfig('h', { file: 'none' })
    assert.equal(given.size, 0)
  })
  it('has to be there', async () => {
    const missing = join(folder, 'missing')
    await assert.rejects(readOpensshConfig('h', { file: missing }), (error: unknown) => {
      assert.ok(error instanceof ConfigError)
      assert.equal(error.message, `${missing}: The configuration file ${missing} does not exist.`)
      return true
    })
  })
  it('may be written by anybody, since somebody named it', async () =>
    assert.equal((await readOpensshConfig('h', { file: file('Port 7\n', 0o666) })).config.port, 7))
  it('is empty when it is a folder', async () => assert.equal((await readOpensshConfig('h', { file: folder })).config.port, 22))
})

describe('options', () => {
  it('go before the file, lines and letters in the order given', async () => {
    const options = ['Port=1', optionLine('User', 'a "b" \\ #c'), 'Port=2']
    const { config } = await readOpensshConfig('h', {
      file: file('Port 7\nUser x\nTag file\n'),
      options: ['User=first', ...options.slice(0, 1), 'Port=2'],
    })
    assert.deepEqual([config.port, config.user, config.tag], [1, 'first', 'file'])
    assert.equal((await readOpensshConfig('h', { file: 'none', options: [optionLine('Tag', 'a "b" \\ #c')] })).config.tag, 'a "b" \\ #c')
  })
})

describe('an included file', () => {
  it('is found by wildcards, in order, but for hidden ones', async () => {
    const inner = join(folder, 'd')
    mkdirSync(inner)
    for (const [name, text] of [
      ['d/2.conf', 'Port 2\nUser two\n'],
      ['d/1.conf', 'Port 1\n'],
      ['d/.0.conf', 'Tag hidden\n'],
      ['d/3.txt', 'Tag other\n'],
    ] as const)
      file(text, 0o600, name)
    const { config } = await readOpensshConfig('h', { file: file(`Include ${inner}/*.conf\n`) })
    assert.deepEqual([config.port, config.user, config.tag], [1, 'two', undefined])
  })

  it('belongs to us and nobody else may write to it, or it is refused by the line that names it', async () => {
    const bad = file('Port 1\n', 0o620)
    const named = file(`\nInclude ${bad}\n`)
    await assert.rejects(readOpensshConfig('h', { file: named }), (error: unknown) => {
      assert.ok(error instanceof ConfigError)
      assert.deepEqual([error.path, error.line], [named, 2])
      assert.match(error.message, /Bad owner or permissions on .*chmod 600/)
      return true
    })
  })

  it('may be a link to one that is good', async () => {
    symlinkSync(file('Port 5\n'), join(folder, 'link'))
    assert.equal(await portOf(`Include ${join(folder, 'link')}\n`), 5)
  })
})

describe('Match exec', () => {
  it('is a command of the person’s shell that succeeds', async () => {
    assert.equal(await portOf('Match exec "test %n = h && exit 0"\nPort 1\n'), 1)
    assert.equal(await portOf('Match exec "exit 3"\nPort 1\nMatch !exec "exit 3"\nPort 2\n'), 2)
  })
  it('is an error when the command is killed', async () => {
    await assert.rejects(portOf('Match exec "kill -TERM $$"\nPort 1\n'), /ended by SIGTERM/)
  })
})

describe('this machine', () => {
  const machine = clientMachine()
  it('has a person with a home, and addresses', () => {
    assert.notEqual(machine.user, '')
    assert.equal(machine.homeOf('root'), '/root')
    assert.equal(machine.homeOf('nobody there'), undefined)
    assert.ok(machine.addresses().length >= 0)
  })
  it('hashes as %C does', () => assert.equal(machine.sha1('abc'), 'a9993e364706816aba3e25717850c26c9cd0d89d'))
})
