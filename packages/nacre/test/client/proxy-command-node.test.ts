// A ProxyCommand: its tokens, names a shell would misread, its streams as the connection, and what its end means.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { connect } from '../../src/client/connect-node.ts'
import { expandProxyCommand, runProxyCommand } from '../../src/client/proxy-command-node.ts'
import { insecureAcceptAnyHostKey } from '../../src/client/policy.ts'
import { ConfigError, ConnectError, DisconnectedError } from '../../src/errors.ts'
import type { ByteTransport } from '../../src/io/transport.ts'

const target = { host: 'far.example', port: 2022, user: 'ada' }

describe('the tokens of a ProxyCommand', () => {
  it('stand for where it is to lead', () => {
    const all = { ...target, typed: 'far', keyAlias: 'alias' }
    assert.equal(expandProxyCommand('nc -x %k %h %p # %r at %n, 100%%', all), 'nc -x alias far.example 2022 # ada at far, 100%')
    assert.equal(expandProxyCommand('%n %k', target), 'far.example far.example')
  })

  it('are put in once: what they stand for is not looked at again', () => {
    assert.equal(expandProxyCommand('%r', { ...target, user: '%h' }), '%h')
  })

  it('are these and no others', () => {
    for (const command of ['nc %z', 'nc %', 'nc %C', '%H'])
      assert.throws(
        () => expandProxyCommand(command, target),
        (error: unknown) => {
          assert.ok(error instanceof ConfigError)
          assert.match(error.message, /stands for nothing; there are %h/)
          return true
        },
      )
  })

  it('stand for no name that a shell would take apart', () => {
    for (const host of ['-oX', 'a b', 'a;b', 'a$(b)', 'a`b`', 'a|b', 'a&b', 'a>b', "a'b", 'a"b', 'a\\b', 'a\nb', 'a,b', '{a}', 'a\u0001b'])
      for (const token of ['%h', '%n', '%k'])
        assert.throws(
          () => expandProxyCommand(`nc ${token}`, { ...target, host, typed: host, keyAlias: host }),
          ConfigError,
          `${token} ${host}`,
        )
    for (const user of ['-oX', 'a;b', 'a`b`', 'a|b', 'a&b', "a'b", 'a"b', 'a -b', 'a\\', 'a\nb', '(a)'])
      assert.throws(() => expandProxyCommand('nc %r', { ...target, user }), ConfigError, user)
    // They are no harm where the command does not have them; and these are no harm anywhere.
    assert.equal(expandProxyCommand('nc x', { ...target, host: 'a;b', user: 'a;b' }), 'nc x')
    for (const user of ['DOMAIN\\ada', 'ada lovelace', 'ada@example.org', 'a$b'])
      assert.equal(expandProxyCommand('%r', { ...target, user }), user)
    for (const host of ['::1', 'fe80::1%eth0', 'ü.example', '[x]']) assert.equal(expandProxyCommand('%h', { ...target, host }), host)
  })
})

/** All that a transport gives, and how it ended. */
const heard = (transport: ByteTransport): Promise<{ readonly text: string; readonly error: unknown }> =>
  new Promise(resolve => {
    let text = ''
    transport.start({
      data: bytes => void (text += Buffer.from(bytes).toString()),
      end: error => resolve({ text, error }),
    })
  })

const say = (transport: ByteTransport, text: string): Promise<void> =>
  new Promise(resolve => transport.write(new TextEncoder().encode(text), resolve))

describe('a ProxyCommand that runs', () => {
  it('is what the connection goes through, both ways', async () => {
    const transport = await runProxyCommand('sed -u -e "s/^/%h: /" -e "/bye/q"', target)
    const all = heard(transport)
    await say(transport, 'hello\nbye\n')
    const { text, error } = await all
    assert.equal(text, 'far.example: hello\nfar.example: bye\n')
    assert.match(String(error), /The ProxyCommand "sed .*" ended\./)
    transport.close(true)
  })

  it('takes the place of the shell', async () => {
    const transport = await runProxyCommand('sh -c "echo $$; exec cat /proc/self/stat"', target)
    const { text } = await heard(transport)
    const [shell, stat = ''] = text.split('\n')
    assert.equal(stat.split(' ')[0], shell)
    assert.equal(stat.slice(stat.lastIndexOf(')')).split(' ')[2], String(process.pid))
  })

  it('says how it ended, when that was not as it should', async () => {
    const cases = [
      ['sh -c "exit 3"', /ended with status 3\.$/],
      ['/nowhere/at/all', /ended with status 127\. The shell did not find the program\.$/],
      ['sh -c "kill -KILL $$"', /ended (with status 137|by SIGKILL)\./],
    ] as const
    for (const [command, words] of cases) {
      const { error } = await heard(await runProxyCommand(command, target))
      assert.ok(error instanceof Error)
      assert.match(error.message, words)
    }
  })

  it('is hung up on when the connection is closed, at once when it is deserted', async () => {
    for (const deserted of [false, true]) {
      const transport = await runProxyCommand(
        'sh -c "trap \'echo hung up >/dev/stderr; exit 0\' HUP; echo $$; while :; do sleep 0.05; done" 2>/dev/null',
        target,
      )
      const { promise, resolve } = Promise.withResolvers<number>()
      const ended = new Promise<void>(done => transport.start({ data: bytes => resolve(Number(Buffer.from(bytes))), end: () => done() }))
      const pid = await promise
      assert.doesNotThrow(() => process.kill(pid, 0))
      transport.close(deserted)
      transport.close(deserted)
      await ended
      for (let tries = 0; tries < 400; tries++) {
        try {
          process.kill(pid, 0)
        } catch {
          break
        }
        await new Promise(done => setTimeout(done, 10))
      }
      assert.throws(() => process.kill(pid, 0), /ESRCH/)
    }
  })

  it('needs a shell, and says which one it did not find', async () => {
    const { SHELL } = process.env
    process.env.SHELL = '/nowhere/sh'
    try {
      await assert.rejects(runProxyCommand('true', target), (error: unknown) => {
        assert.ok(error instanceof ConnectError)
        assert.match(error.message, /the shell \/nowhere\/sh \(SHELL\) could not be started/)
        return true
      })
    } finally {
      if (SHELL === undefined) delete process.env.SHELL
      else process.env.SHELL = SHELL
    }
  })

  it('explains a connection that does not come about', async () => {
    const options = {
      config: false,
      hostKey: insecureAcceptAnyHostKey,
      auth: {},
      user: 'ada',
      proxyCommand: 'sh -c "exit 9" # %h',
    } as const
    await assert.rejects(connect('far.example', options), (error: unknown) => {
      assert.ok(error instanceof DisconnectedError)
      assert.match(
        error.message,
        /^The connection ended before the peer identified itself\. The ProxyCommand "sh -c .*" ended with status 9\.$/,
      )
      return true
    })
  })
})
