// Logs as JSON: one object a line with OpenSSH's words and what they are about, wherever lines go, and never a secret.
import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { AuthenticationError } from 'nacre'
import { formatPublicKeyLine } from 'nacre/keys'
import { createLog, fileSink, streamSink, syslogSink } from '../../src/sshd/log.ts'
import { accountAt, authorize, newKey, onePassword, temporaryFolder, world } from './world.ts'

const time = new Date('2026-11-21T20:00:00.123Z')
const always = { time: '2026-11-21T20:00:00.123Z', program: 'sshd', pid: process.pid }

/** Objects instead of lines. */
const kept = () => {
  const lines: string[] = []
  const log = createLog(line => lines.push(line), 'DEBUG1', { format: 'json', now: () => time })
  return { lines, log, objects: (): readonly Record<string, unknown>[] => lines.map(line => JSON.parse(line)) }
}

describe('a line', () => {
  test('has time, level, program, process and message', () => {
    const { log, objects } = kept()
    log.info('Server listening on :: port 22.')
    log.debug('kex: curve25519')
    assert.deepEqual(objects(), [
      { ...always, level: 'INFO', message: 'Server listening on :: port 22.' },
      { ...always, level: 'DEBUG1', message: 'kex: curve25519' },
    ])
  })
  test('has the facts of its log and its own, which replace nothing that every line has', () => {
    const { log, objects } = kept()
    log.with({ address: '192.0.2.7' }).error('no', { line: 3, level: 'none', absent: undefined })
    assert.deepEqual(objects(), [{ ...always, level: 'ERROR', message: 'no', address: '192.0.2.7', line: 3 }])
  })
  test('names the program that a log is for', () => {
    const { log, objects } = kept()
    log.as('internal-sftp', 'AUTH', 'INFO').info('open')
    assert.equal(objects()[0].program, 'internal-sftp')
  })
  test('stays one line for whoever reads lines', () => {
    const { log, lines, objects } = kept()
    const name = 'a\n\u2028\u0085\x1b[2Jb'
    log.info(name, { user: name })
    // eslint-disable-next-line no-control-regex
    assert.doesNotMatch(lines[0], /[\x00-\x1f\x7f-\x9f\u2028\u2029]/)
    assert.equal(objects()[0].user, name)
  })
})

test('files and streams carry it', () => {
  using folder = temporaryFolder()
  const path = join(folder.path, 'log')
  createLog(fileSink(path), 'INFO', { format: 'json', now: () => time }).info('one')
  assert.deepEqual(JSON.parse(readFileSync(path, 'utf8')), { ...always, level: 'INFO', message: 'one' })
  let written = ''
  const stream = new Writable({
    write(chunk, _, done) {
      written += String(chunk)
      done()
    },
  })
  createLog(streamSink(stream), 'INFO', { format: 'json', now: () => time }).info('two')
  assert.equal(JSON.parse(written).message, 'two')
})

test('the system log carries it too, by logger(1) and with the priority in front', async () => {
  using folder = temporaryFolder()
  const heard = join(folder.path, 'heard')
  writeFileSync(join(folder.path, 'logger'), `#!/bin/sh\necho "$@" >'${heard}'\nexec /bin/cat >>'${heard}'\n`, { mode: 0o755 })
  const usual = process.env.PATH
  process.env.PATH = folder.path
  try {
    createLog(syslogSink('AUTH'), 'INFO', { format: 'json', now: () => time }).error('three', { line: 3 })
  } finally {
    process.env.PATH = usual
  }
  const text = (): string => (existsSync(heard) ? readFileSync(heard, 'utf8') : '')
  for (let tries = 0; tries < 500 && !text().includes('three'); tries++) await delay(10)
  const [words, line] = text().trimEnd().split('\n')
  assert.equal(words, `--tag sshd[${process.pid}] --prio-prefix`)
  assert.equal(line.slice(0, 4), '<35>')
  assert.deepEqual(JSON.parse(line.slice(4)), { ...always, level: 'ERROR', message: 'three', line: 3 })
})

describe('a login', () => {
  const site = async (config = '') => {
    const folder = temporaryFolder()
    const account = accountAt(folder.path)
    const key = await newKey()
    const file = authorize(account, [formatPublicKeyLine(key.publicKey)])
    const keep = kept()
    const it = await world(account, {
      config: `StrictModes no\n${config}`,
      setup: { accountsFor: () => onePassword('sesame'), log: keep.log },
    })
    return { ...keep, ...it, key, account, file, folder }
  }
  test('by a key tells of the connection, the user, the key, and the line that let it in', async () => {
    const it = await site()
    await (await it.logIn({ signers: [it.key] })).close()
    const key = it.key.publicKey.fingerprint()
    const found = it.objects().find(({ message }) => String(message).startsWith('Accepted key '))
    const accepted = it.objects().find(({ event }) => event === 'accepted')
    const { connection } = accepted ?? {}
    const about = { connection, address: '192.0.2.7', port: 50022, user: it.account.name, key }
    assert.deepEqual(found, { ...always, level: 'VERBOSE', message: found?.message, ...about, file: it.file, line: 1 })
    assert.deepEqual(accepted, {
      ...always,
      level: 'INFO',
      message: `Accepted publickey for ${it.account.name} from 192.0.2.7 port 50022 ssh2: ED25519 ${key}`,
      event: 'accepted',
      method: 'publickey',
      validUser: true,
      ...about,
    })
    assert.match(String(connection), /^\d+-\d+$/)
    await it[Symbol.asyncDispose]()
    it.folder[Symbol.dispose]()
  })
  test('that is refused tells of the rule, and never of the password', async () => {
    const it = await site('DenyUsers *')
    await assert.rejects(it.logIn({ password: 'open sesame', preferred: ['password'] }), AuthenticationError)
    const rule = it.objects().find(({ keyword }) => keyword === 'DenyUsers')
    assert.deepEqual([rule?.file, rule?.line, rule?.user], ['test', 3, it.account.name])
    assert.equal(it.objects().find(({ event }) => event === 'failed')?.method, 'password')
    assert.doesNotMatch(it.lines.join('\n'), /sesame/)
    await it[Symbol.asyncDispose]()
    it.folder[Symbol.dispose]()
  })
  test('has one id on all its lines, and another connection another', async () => {
    const it = await site()
    for (const password of ['sesame', 'sesame']) await (await it.logIn({ password, preferred: ['password'] })).close()
    const ids = new Set(it.objects().map(({ connection }) => connection))
    assert.deepEqual([ids.size, ids.has(undefined)], [2, false], it.lines.join('\n'))
    await it[Symbol.asyncDispose]()
    it.folder[Symbol.dispose]()
  })
})
