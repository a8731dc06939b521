// Owns what sessions over a shared connection get from who shares it: an agent, a display, variables, escape sequences; whose forwards
// are whose; and how masters come and go.
import assert from 'node:assert/strict'
import { existsSync, lstatSync } from 'node:fs'
import { describe } from 'node:test'
import { connectShared } from 'nacre'
import { freshFolder, freshPath } from './rig/folder.ts'
import { newKey } from './rig/keys.ts'
import { freePort } from './rig/port.ts'
import { finish, start } from './rig/process.ts'
import { seat, typedLine } from './rig/tmux.ts'
import { test } from './rig/test.ts'
import { descriptorsPass, place, type Place, until } from './sites/sharing.ts'

const skip = descriptorsPass ? false : 'no descriptors'

/** An agent with one key; its socket. */
const agentWith = async (key: { readonly path: string }): Promise<AsyncDisposable & { readonly socket: string }> => {
  const socket = freshPath('agent')
  const agent = await start(['ssh-agent', '-D', '-a', socket])
  await until(() => existsSync(socket), agent.log())
  assert.equal((await finish(['ssh-add', '-q', key.path], { env: { SSH_AUTH_SOCK: socket }, stdin: '' })).code, 0)
  return { socket, [Symbol.asyncDispose]: () => agent[Symbol.asyncDispose]() }
}

const pidOf = async (at: Place): Promise<string> => /pid=(\d+)/.exec((await at.ssh('nacre', ['-O', 'check', 'there'])).stderr)?.[1] ?? ''

describe('a session of a stock client at a master of nacre', { concurrency: 4, skip }, () => {
  test('has the agent of the master if it asks for one and the master lends one', {}, async () => {
    const key = newKey('ed25519')
    await using agent = await agentWith(key)
    await using at = await place()
    const lists = { env: { SSH_AUTH_SOCK: agent.socket } }
    {
      await using _lending = await at.master('nacre', ['-A'], lists)
      const listed = await at.ssh('OpenSSH', ['-A', 'there', 'ssh-add -L'])
      assert.equal(listed.stdout.toString().split(' ')[1], key.line.split(' ')[1], listed.stderr)
    }
    await using other = await place()
    await using _keeping = await other.master('nacre', [], lists)
    assert.equal((await other.ssh('OpenSSH', ['-A', 'there', 'echo "<$SSH_AUTH_SOCK>"'])).stdout.toString(), '<>\n')
  })

  test('gives no agent to a client that asks for none', {}, async () => {
    await using agent = await agentWith(newKey('ed25519'))
    await using at = await place()
    await using _master = await at.master('nacre', ['-A'], { env: { SSH_AUTH_SOCK: agent.socket } })
    assert.equal((await at.ssh('OpenSSH', ['-a', 'there', 'echo "<$SSH_AUTH_SOCK>"'])).stdout.toString(), '<>\n')
  })

  test('has a display if both want that, and is told when the server gives none', {}, async () => {
    const env = { DISPLAY: ':4711' }
    await using at = await place([], ['X11Forwarding yes'])
    await using _master = await at.master('nacre', ['-Y'], { env })
    const shown = await at.ssh('OpenSSH', ['-Y', 'there', 'echo "<$DISPLAY>"'], { env })
    assert.match(shown.stdout.toString(), /^<localhost:\d+\.0>\n$/, shown.stderr)
    assert.equal((await at.ssh('OpenSSH', ['-x', 'there', 'echo "<$DISPLAY>"'], { env })).stdout.toString(), '<>\n')
    await using none = await place([], ['X11Forwarding no'])
    await using _other = await none.master('nacre', ['-Y'], { env })
    const refused = await none.ssh('OpenSSH', ['-Y', 'there', 'echo "<$DISPLAY>"'], { env })
    assert.deepEqual([refused.stdout.toString(), refused.stderr], ['<>\n', 'X11 forwarding request failed\r\n'])
  })

  test('sends the variables the master would send, and those alone', {}, async () => {
    await using at = await place([], ['AcceptEnv LC_* NACRE_*'])
    await using _master = await at.master('nacre', ['-o', 'SendEnv=LC_A*', '-o', 'SetEnv=NACRE_SET=ours'])
    const command = 'echo "$LC_ALPHA|$LC_BETA|$NACRE_SET"'
    const env = { LC_ALPHA: 'a', LC_BETA: 'b', NACRE_SET: 'theirs' }
    assert.equal((await at.ssh('OpenSSH', ['-o', 'SendEnv=*', 'there', command], { env })).stdout.toString(), 'a||ours\n')
  })

  test('has escape sequences at a terminal, with the character of the client', { seconds: 90 }, async () => {
    await using at = await place()
    await using master = await at.master('nacre', ['-L', `${await freePort()}:127.0.0.1:1`])
    await using person = await seat()
    await person.shows(/READY\$/)
    await person.type(`${typedLine([...at.words('OpenSSH'), '-e', '%', 'there'])}; echo "[left $?]"\r`)
    await person.type("PS1='THERE$ '; echo $((40 + 2))ok\r")
    await person.shows(/42ok/)
    await person.type('\r~.')
    await person.type('\r%?')
    await person.shows(/%\.\s+- end the connection/)
    await person.type('%#')
    await person.shows(/#\d+ session[\s\S]*local /)
    await person.type('%C')
    await person.shows(/%C escape not available to multiplexed sessions/)
    await person.type('%%%\r')
    await person.type('%.')
    await person.shows(/\[left 255\]/)
    assert.equal(master.ended, false)
    assert.equal((await at.ssh('OpenSSH', ['there', 'echo still'])).stdout.toString(), 'still\n')
  })

  test('goes on without a terminal where the server gives none, and says so', {}, async () => {
    await using at = await place([], ['PermitTTY no'])
    await using _master = await at.master('nacre')
    const result = await at.ssh('OpenSSH', ['-tt', 'there', 'tty; echo ran'], { stdin: '' })
    assert.match(result.stdout.toString(), /not a tty\s+ran/)
    assert.match(result.stderr, /PTY allocation request failed/)
  })
})

describe('a session of a client of nacre', { concurrency: 4 }, () => {
  for (const master of ['nacre', 'OpenSSH'] as const)
    test(`at a master of ${master} has an agent`, {}, async () => {
      const key = newKey('ed25519')
      await using agent = await agentWith(key)
      const env = { SSH_AUTH_SOCK: agent.socket }
      await using at = await place()
      // OpenSSH's master lends its own; nacre's leaves it to the client, and need not lend one itself.
      await using _master = await at.master(master, master === 'OpenSSH' ? ['-A'] : [], { env })
      const listed = await at.ssh('nacre', ['-A', 'there', 'ssh-add -L'], { env })
      assert.equal(listed.stdout.toString().split(' ')[1], key.line.split(' ')[1], listed.stderr)
    })
})

describe('a client to which the server refused a channel', { concurrency: 4 }, () => {
  for (const master of ['nacre', 'OpenSSH'] as const)
    test(`leaves a master of ${master} alive, and nothing that runs`, {}, async () => {
      await using at = await place()
      await using running = await at.master(master)
      const free = await freePort()
      const shared = await connectShared(at.path)
      await assert.rejects(shared.dial(`127.0.0.1:${free}`))
      const held = await shared.exec('cat; echo ended >&2')
      assert.equal((await shared.run('echo mine')).stdout, 'mine\n')
      await shared.close()
      await held.exited.catch(() => {})
      assert.equal((await at.ssh('nacre', ['-W', `127.0.0.1:${free}`, 'there'])).code, 255)
      await using other = await connectShared(at.path)
      assert.equal((await other.run('echo still')).stdout, 'still\n')
      assert.equal(running.ended, false)
    })
})

describe('forwards of a master of nacre', { concurrency: 4 }, () => {
  test('of its command line are cancelled by -O cancel', {}, async () => {
    await using at = await place()
    const near = await freePort()
    const forward = ['-L', `${near}:127.0.0.1:${at.server.to.port}`]
    await using _master = await at.master('nacre', forward)
    const greets = async (): Promise<string> =>
      (await finish(['/bin/bash', '-c', `exec 3<>/dev/tcp/127.0.0.1/${near} && head -c 4 <&3`])).stdout.toString()
    assert.equal(await greets(), 'SSH-')
    const cancelled = await at.ssh('OpenSSH', ['-O', 'cancel', ...forward, 'there'])
    assert.deepEqual([cancelled.code, cancelled.stderr], [0, ''])
    assert.equal(await greets(), '')
  })

  test('listen where its GatewayPorts says, with sockets as its StreamLocalBindMask says', {}, async () => {
    await using at = await place()
    await using _master = await at.master('nacre', ['-g', '-o', 'StreamLocalBindMask=0117', '-o', 'StreamLocalBindUnlink=yes'])
    const [near, socket] = [await freePort(), freshPath('forward')]
    const opened = await at.ssh('OpenSSH', ['-O', 'forward', '-L', `${near}:127.0.0.1:1`, '-L', `${socket}:127.0.0.1:1`, 'there'])
    assert.equal(opened.code, 0, opened.stderr)
    assert.equal(lstatSync(socket).mode & 0o777, 0o660)
    const listening = await finish(['/bin/bash', '-c', `exec 3<>/dev/tcp/127.0.0.2/${near}`])
    assert.equal(listening.code, 0, listening.stderr)
  })
})

describe('masters of nacre come and go', { concurrency: 4 }, () => {
  const persist = ['-o', 'ControlMaster=auto', '-o', 'ControlPersist=60']
  const connectionOf = '/bin/echo $SSH_CONNECTION'

  for (const words of [['-o', 'ControlMaster=auto'], persist])
    test(`many at once with ${words[words.length - 1]} are served, and one shares`, { seconds: 90 }, async () => {
      await using at = await place()
      const command = words === persist ? connectionOf : `${connectionOf}; sleep 3`
      const all = await Promise.all(Array.from({ length: 4 }, () => at.ssh('nacre', [...words, 'there', command])))
      for (const each of all) assert.deepEqual([each.code, each.stdout.toString().split(' ').length], [0, 4], each.stderr)
      if (words !== persist) return
      const after = await at.ssh('nacre', [...words, 'there', connectionOf])
      assert.ok(
        all.some(({ stdout }) => stdout.equals(after.stdout)),
        'one of them stays',
      )
      const pid = await pidOf(at)
      await at.ssh('nacre', ['-O', 'exit', 'there'])
      await until(() => !existsSync(`/proc/${pid}`), 'the master is still there')
    })

  test('-f with ControlPersist goes to the background, and the master stays', { seconds: 90 }, async () => {
    await using at = await place()
    const gone = await at.ssh('nacre', [...persist, '-f', 'there', 'sleep 1; echo done'])
    assert.equal(gone.code, 0, gone.stderr)
    assert.match((await at.ssh('OpenSSH', ['-O', 'check', 'there'])).stderr, /Master running/)
    const only = await at.ssh('nacre', [...persist, '-f', '-N', 'there'])
    assert.equal(only.code, 0, only.stderr)
    await at.ssh('nacre', ['-O', 'exit', 'there'])
    await until(() => !existsSync(at.path), 'the socket is still there')
  })

  test('a folder for the socket that is missing is named, and the session runs', {}, async () => {
    await using at = await place()
    const path = `${freshFolder('none')}/missing/cm`
    const result = await at.ssh('nacre', ['-S', path, '-M', 'there', 'echo ran'])
    assert.match(result.stderr, /no such folder/)
    assert.equal(result.stdout.toString(), 'ran\n')
    assert.ok(result.stderr.includes(path), result.stderr)
    await assert.rejects(connectShared(path), { code: 'SHARE_NO_MASTER' })
  })
})
