// What `ssh -v` tells of each step: what is tried, what the server said, what comes next; and nothing that is secret.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ConnectStep } from 'nacre'
import { processEnvironment } from '../../src/environment.ts'
import { Log } from '../../src/ssh/log.ts'
import { narrateConfig, narrateExit, narrateSession, narrateStep } from '../../src/ssh/narration.ts'
import { readSshConfig } from '../../src/ssh/config.ts'
import { readSshCommand } from '../../src/ssh/options.ts'

/** What reaches standard error, line by line. */
const told = (level: string, act: (log: Log) => void): readonly string[] => {
  let text = ''
  const stderr = { write: (piece: string) => ((text += piece), true) }
  const environment = { ...processEnvironment('ssh'), stderr: stderr as unknown as NodeJS.WriteStream }
  act(new Log(environment, level))
  return text.trimEnd().split('\r\n')
}

test('a key that is refused: what was shown, what the server still takes, what comes next', () => {
  const key = { method: 'publickey', fingerprint: 'SHA256:abc', source: '/home/ada/.ssh/id' }
  const steps: readonly ConnectStep[] = [
    { is: 'resolved', host: 'box', address: '192.0.2.1' },
    { is: 'dialing', address: '192.0.2.1', port: 22 },
    { is: 'trying', ...key, algorithm: 'ssh-ed25519', asks: true },
    { is: 'answered', attempt: { ...key, outcome: 'refused', remaining: ['publickey', 'pass\u001bword'] } },
    { is: 'trying', ...key, algorithm: 'ssh-ed25519', asks: true },
    { is: 'signing', ...key },
    { is: 'answered', attempt: { ...key, outcome: 'accepted', remaining: [] } },
  ]
  const lines = told('DEBUG1', log => steps.forEach(step => narrateStep(log, step, 'hop: ')))
  assert.deepEqual(lines, [
    'debug1: hop: box has the address 192.0.2.1',
    'debug1: hop: connecting to 192.0.2.1 port 22',
    'debug1: hop: offering publickey SHA256:abc from /home/ada/.ssh/id (ssh-ed25519); next, the server says whether it would take it',
    'debug1: hop: publickey SHA256:abc from /home/ada/.ssh/id: refused; the server still takes publickey, pass\\x1bword; next, whatever else we have of these',
    'debug1: hop: offering publickey SHA256:abc from /home/ada/.ssh/id (ssh-ed25519); next, the server says whether it would take it',
    'debug1: hop: the server would take SHA256:abc; signing with it; next, the server checks the signature',
    'debug1: hop: publickey SHA256:abc from /home/ada/.ssh/id: accepted',
  ])
})

test('a session: what is asked for, by the names of its variables alone, and how it ended', () => {
  const lines = told('DEBUG1', log => {
    narrateSession(log, { kind: 'shell', terminal: true, env: ['LANG', 'TOKEN'] })
    narrateSession(log, { kind: 'command', terminal: false, env: [] })
    narrateExit(log, { code: 3 })
    narrateExit(log, { unknown: true })
    narrateExit(log, { signal: 'TERM\u001b', coreDumped: false, message: '' })
  })
  assert.deepEqual(lines, [
    'debug1: asking for a shell with a terminal, and the variables LANG, TOKEN; next, the server grants it or not',
    'debug1: asking for a command; next, the server grants it or not',
    'debug1: the session ended with status 3; next, the connection is closed',
    'debug1: the session ended in a way that was not told; next, the connection is closed',
    'debug1: the session ended by signal TERM\\x1b; next, the connection is closed',
  ])
})

test('nothing is told without -v', () => {
  assert.deepEqual(
    told('INFO', log => narrateStep(log, { is: 'dialing', address: '192.0.2.1', port: 22 })),
    [''],
  )
})

test('where the host leads; at -vv every line that counts, without what people put secrets into', async () => {
  const words = ['-F', 'none', '-o', 'HostName=192.0.2.7', '-o', 'SetEnv=TOKEN=hush', '-p', '2200', '-l', 'ada', 'box']
  const settings = await readSshConfig(readSshCommand(words))
  assert.deepEqual(
    told('DEBUG1', log => narrateConfig(log, settings)),
    ['debug1: box is 192.0.2.7 port 2200, user ada; configured by command line'],
  )
  const more = told('DEBUG2', log => narrateConfig(log, settings)).join('\n')
  assert.match(more, /debug2: command line: HostName 192\.0\.2\.7/)
  assert.match(more, /debug2: command line: SetEnv …/)
  assert.doesNotMatch(more, /hush/)
})
