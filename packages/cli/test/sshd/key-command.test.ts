// Programs that know keys and principals: what they are told, whom they run as, when what they say counts.
import assert from 'node:assert/strict'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { ownAccount } from '../../src/sshd/account.ts'
import { runKeyCommand } from '../../src/sshd/key-command.ts'
import { temporaryFolder } from './world.ts'

const account = ownAccount()

const call = async (
  command: string,
  user = account.name,
  options: { readonly tokens?: Readonly<Record<string, string>>; readonly signal?: AbortSignal } = {},
) => {
  const said: string[] = []
  const text = await runKeyCommand(
    { keyword: 'AuthorizedKeysCommand', command, user },
    {
      account,
      tokens: options.tokens ?? {},
      lookUp: async name => (name === account.name ? account : undefined),
      say: each => said.push(each),
      signal: options.signal ?? new AbortController().signal,
    },
  )
  return { text, said: said.join('\n') }
}

describe('the program', () => {
  test('is told what its tokens stand for, word by word', async () => {
    const { text, said } = await call('/usr/bin/printf "[%%s]" %u "a %k b" %%t', '%u', { tokens: { k: 'KEY; echo bad', t: 'type' } })
    assert.equal(text, `[${account.name}][a KEY; echo bad b][%t]`, said)
  })
  test('without arguments is told the name of the account', async () => {
    assert.equal((await call('/usr/bin/echo')).text, `${account.name}\n`)
  })
  test('has an environment of its own', async () => {
    process.env['NACRE_SECRET_OF_THE_SERVER'] = 'x'
    const { text } = await call('/usr/bin/env --')
    assert.match(text ?? '', new RegExp(`^USER=${account.name}$`, 'm'))
    assert.doesNotMatch(text ?? '', /NACRE_SECRET/)
  })
})

describe('nothing counts of a program', () => {
  for (const [why, command, user, message] of [
    ['that fails', '/usr/bin/false x', account.name, /it ended with 1/],
    ['that says something and fails', '/bin/sh -c "echo ssh-ed25519; exit 3"', account.name, /it ended with 3/],
    ['that is not there', '/nonexistent/program', account.name, /ENOENT/],
    ['whose user is not there', '/usr/bin/true x', 'nobody-by-that-name', /the user "nobody-by-that-name" it is to run as does not exist/],
    ['whose quotes do not close', '/usr/bin/true "x', account.name, /partner/],
    ['with a token there is not', '/usr/bin/true %Z', account.name, /has %Z, which stands for nothing here/],
    ['that is a folder', '/usr', account.name, /not a regular file/],
    ['that says too much', '/bin/sh -c "yes"', account.name, /it said more than \d+ bytes/],
  ] as const)
    test(why, async () => {
      const { text, said } = await call(command, user)
      assert.equal(text, undefined)
      assert.match(said, /^AuthorizedKeysCommand .* lets nobody in: /)
      assert.match(said, message)
    })

  test('that others may change, or that lies where others may', async () => {
    using folder = temporaryFolder()
    const path = join(folder.path, 'keys')
    writeFileSync(path, '#!/bin/sh\necho key\n')
    chmodSync(path, 0o755)
    assert.match((await call(path)).said, /bad ownership or modes for (file|directory)/)
    chmodSync(path, 0o777)
    assert.match((await call(path)).said, /bad ownership or modes for file/)
  })

  test('whom nobody waits for any more', async () => {
    const over = new AbortController()
    const waiting = call('/usr/bin/sleep 60', account.name, { signal: over.signal })
    setTimeout(() => over.abort(), 50)
    assert.match((await waiting).said, /nobody waits for it any more/)
  })
})
