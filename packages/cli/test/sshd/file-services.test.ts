// Files as a client of `sshd` sees them: SFTP and scp served inside the server, over a real connection joined in memory.
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { ConfigError, type Process, RequestRefusedError } from 'nacre'
import { formatPublicKeyLine } from 'nacre/keys'
import { Startups } from 'nacre/server'
import { openPty } from '../../src/pty.ts'
import { buildServer } from '../../src/sshd/server.ts'
import { accountAt, authorize, configOf, keptLog, newKey, temporaryFolder, world, type WorldOptions } from './world.ts'

const key = await newKey()

const session = async (rules: WorldOptions['rules'] = {}, prefix = '') => {
  const folder = temporaryFolder()
  const account = accountAt(folder.path)
  authorize(account, [`${prefix}${formatPublicKeyLine(key.publicKey)}`])
  const server = await world(account, { rules })
  const client = await server.logIn({ signers: [key] })
  return {
    client,
    home: folder.path,
    lines: server.lines,
    async [Symbol.asyncDispose]() {
      void client.close()
      await server[Symbol.asyncDispose]()
      folder[Symbol.dispose]()
    },
  }
}

const sftp = { subsystems: { sftp: 'internal-sftp' } }

/** All a process says, and its exit code. */
const said = async (process: Process): Promise<{ readonly text: string; readonly errors: string; readonly code: number | undefined }> => {
  let text = ''
  let errors = ''
  const words = new TextDecoder()
  process.tap({ stdout: bytes => void (text += words.decode(bytes)), stderr: bytes => void (errors += words.decode(bytes)) })
  const exit = await process.exited
  return { text, errors, code: 'code' in exit ? exit.code : undefined }
}

describe('internal-sftp', () => {
  test('serves the files of the account, from its home', async () => {
    await using it = await session(sftp)
    const files = await it.client.sftp()
    await files.writeFile('pearl', 'shining')
    assert.equal(readFileSync(join(it.home, 'pearl'), 'utf8'), 'shining')
    assert.equal(await files.realPath('.'), it.home)
    assert.equal(await files.readFile('pearl', { encoding: 'utf8' }), 'shining')
    await files.close()
  })
  test('with -R changes nothing', async () => {
    await using it = await session({ subsystems: { sftp: 'internal-sftp -R' } })
    writeFileSync(join(it.home, 'kept'), 'x')
    const files = await it.client.sftp()
    assert.equal((await files.stat('kept')).size, 1)
    await assert.rejects(files.remove('kept'), { code: 'SFTP_PERMISSION_DENIED' })
    await assert.rejects(files.mkdir('new'))
    await files.close()
  })
  test('with -d starts elsewhere, and with -P refuses', async () => {
    await using it = await session({ subsystems: { sftp: 'internal-sftp -d %d/inner -P rename,posix-rename,hardlink' } })
    mkdirSync(join(it.home, 'inner'))
    writeFileSync(join(it.home, 'inner/a'), 'x')
    const files = await it.client.sftp()
    assert.equal(await files.realPath('.'), join(it.home, 'inner'))
    await assert.rejects(files.rename('a', 'b'))
    await files.close()
  })
  test('logs as sftp-server does, where sshd logs', async () => {
    await using it = await session({ subsystems: { sftp: 'internal-sftp -l VERBOSE' } })
    const files = await it.client.sftp()
    await files.writeFile('pearl\u001b', 'shining', { atomic: false })
    await assert.rejects(files.stat('none'))
    await files.chmod('pearl\u001b', 0o600)
    await files.close()
    const lines = it.lines.filter(line => !/Accepted|session/.test(line)).join('\n')
    const path = `${it.home}/pearl\\x1b`
    assert.match(it.lines.join('\n'), /session opened for local user \S+ from \[192\.0\.2\.7\]/)
    assert.ok(lines.includes('received client version'), lines)
    assert.ok(lines.includes(`open "${path}" flags WRITE,CREATE`), lines)
    assert.ok(lines.includes(`close "${path}" bytes read 0 written 7`), lines)
    assert.ok(lines.includes(`set "${path}" mode 0600`), lines)
    assert.ok(lines.includes('sent status No such file'), lines)
  })
  test('as ForceCommand serves SFTP and nothing else', async () => {
    await using it = await session({ ...sftp, forceCommand: 'internal-sftp' })
    const files = await it.client.sftp()
    await files.mkdir('made')
    await files.close()
    for (const process of [await it.client.exec('id'), await it.client.shell({}), await it.client.exec('scp -t .')]) {
      const { text, code } = await said(process)
      assert.deepEqual([text, code], ['This service allows sftp connections only.\n', 1])
    }
  })
  test('as the command of a key does the same', async () => {
    await using it = await session(sftp, 'command="internal-sftp -R" ')
    const files = await it.client.sftp()
    await assert.rejects(files.mkdir('made'))
    await files.close()
    assert.equal((await said(await it.client.exec('id'))).text, 'This service allows sftp connections only.\n')
  })
  test('is no command anybody can run', async () => {
    await using it = await session(sftp)
    assert.equal((await said(await it.client.exec('internal-sftp'))).code, 127)
  })
  test('is not there unless the configuration says so', async () => {
    await using it = await session()
    await assert.rejects(it.client.subsystem('sftp'), RequestRefusedError)
  })
  test('with a mistake behind it keeps the server from starting', async () => {
    for (const line of ['Subsystem sftp internal-sftp -l loud', 'ForceCommand internal-sftp -x']) {
      const build = buildServer({ parsed: configOf(`HostKey none\n${line}`), log: keptLog().log, openPty, startups: new Startups() })
      await assert.rejects(build, ConfigError)
    }
  })
})

describe('scp', () => {
  const scp = { internalScp: true }
  test('is served without an scp of the system, when that is asked for', async () => {
    await using it = await session(scp)
    const process = await it.client.exec('scp -t pearl')
    const done = said(process)
    await process.stdin.write('C0640 7 pearl\nshining\0')
    await process.stdin.end()
    assert.deepEqual(await done, { text: '\0\0\0', errors: '', code: 0 })
    assert.equal(readFileSync(join(it.home, 'pearl'), 'utf8'), 'shining')
  })
  test('finds patterns below the home', async () => {
    await using it = await session(scp)
    for (const name of ['a.txt', 'b.txt', 'c.md']) writeFileSync(join(it.home, name), name)
    const process = await it.client.exec('scp -f *.txt')
    const done = said(process)
    await process.stdin.write('\0\0\0\0\0\0\0')
    assert.match((await done).text, /^C\d{4} 5 a\.txt\na\.txt\0C\d{4} 5 b\.txt\nb\.txt\0$/)
  })
  test('leaves all else to the shell', async () => {
    await using it = await session(scp)
    assert.equal((await said(await it.client.exec('echo scp -t $((1 + 1))'))).text, 'scp -t 2\n')
  })
})
