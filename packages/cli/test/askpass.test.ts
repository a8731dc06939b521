// Asking by the program in SSH_ASKPASS, and on standard input where nobody can be asked otherwise.
import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { askerFor, askPassphrase, askpassRule, askPermission } from '../src/askpass.ts'
import { processEnvironment } from '../src/environment.ts'
import { confirmed } from '../src/ssh/host-keys.ts'

const folder = mkdtempSync(join(tmpdir(), 'nacre-askpass-'))
after(() => rmSync(folder, { recursive: true }))

/** A program that writes down what it was asked, and says or does this. */
const program = (name: string, body: string): { path: string; asked: () => string } => {
  const [path, log] = [join(folder, name), join(folder, `${name}.log`)]
  writeFileSync(path, `#!/bin/sh\nprintf '%s|%s' "$SSH_ASKPASS_PROMPT" "$1" > ${log}\n${body}\n`)
  chmodSync(path, 0o700)
  return { path, asked: () => readFileSync(log, 'utf8') }
}
const forced = (path: string) => ({ PATH: process.env.PATH, SSH_ASKPASS: path, SSH_ASKPASS_REQUIRE: 'force' })

describe('whether the program is asked', () => {
  for (const [variables, may, must] of [
    [{}, false, false],
    [{ DISPLAY: ':0' }, true, false],
    [{ WAYLAND_DISPLAY: 'wayland-0' }, true, false],
    [{ DISPLAY: '' }, false, false],
    [{ SSH_ASKPASS_REQUIRE: 'force' }, true, true],
    [{ SSH_ASKPASS_REQUIRE: 'prefer' }, false, false],
    [{ SSH_ASKPASS_REQUIRE: 'Prefer', DISPLAY: ':0' }, true, true],
    [{ SSH_ASKPASS_REQUIRE: 'never', DISPLAY: ':0' }, false, false],
  ] as const)
    test(JSON.stringify(variables), () => {
      assert.deepEqual(askpassRule(variables), { may, must })
    })
})

describe('a permission', () => {
  for (const [said, given] of [
    ['echo yes', true],
    ['echo YES', true],
    ['echo', true],
    ['true', true],
    ['echo no', false],
    ['echo yes please', false],
    ['echo yes; exit 1', false],
    ['kill -9 $$', false],
  ] as const)
    test(`by a program that does "${said}" is ${given ? 'given' : 'not given'}`, async () => {
      const { path, asked } = program('permission', said)
      assert.equal(await askPermission('Allow it?', forced(path)), given)
      assert.equal(asked(), 'confirm|Allow it?')
    })
  test('is not given where there is no program, or it may not be asked', async () => {
    assert.equal(await askPermission('Allow it?', forced('/does/not/exist')), false)
    assert.equal(await askPermission('Allow it?', { SSH_ASKPASS: '/bin/true' }), false)
  })
})

describe('a passphrase', () => {
  const environmentFor = (variables: Record<string, string | undefined>) => ({ ...processEnvironment('ssh-add'), variables })
  test('is the first line the program says', async () => {
    const { path, asked } = program('passphrase', "printf 'open sesame\\r\\nmore'")
    assert.equal(await askPassphrase('Enter it: ', environmentFor(forced(path))), 'open sesame')
    assert.equal(asked(), '|Enter it: ')
  })
  test('is empty when the program says nothing, or fails', async () => {
    assert.equal(await askPassphrase('Enter it: ', environmentFor(forced(program('nothing', 'true').path))), '')
    assert.equal(await askPassphrase('Enter it: ', environmentFor(forced(program('fails', 'echo x; exit 1').path))), '')
  })
})

describe('whoever answers while standard input is for others', () => {
  test('is the program where it must be asked, whatever the question', async () => {
    const { path, asked } = program('asker', "printf 'an answer\\r\\nmore\\n'")
    const ask = askerFor(forced(path))
    assert.equal(await ask?.("ada@host's password: ", { echo: false }), 'an answer')
    assert.equal(asked(), "|ada@host's password: ")
  })
  test('says nothing when the program fails or is not there', async () => {
    assert.equal(await askerFor(forced(program('failing', 'echo no; exit 1').path))?.('?', { echo: true }), undefined)
    assert.equal(await askerFor(forced('/does/not/exist'))?.('?', { echo: true }), undefined)
  })
  test('is not asked about a host for ever', async () => {
    let times = 0
    const stubborn = async (): Promise<string> => {
      times++
      return 'perhaps'
    }
    assert.equal(await confirmed('Are you sure?', 'SHA256:x', stubborn), false)
    assert.equal(times, 20)
    const answers = ['what?', 'SHA256:x']
    assert.equal(await confirmed('Are you sure?', 'SHA256:x', async () => answers.shift()), true)
  })
})
