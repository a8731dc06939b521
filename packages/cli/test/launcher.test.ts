// The launcher with stand-ins for bundles: which command it picks, and which Node it runs on.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const source = fileURLToPath(new URL('../bin/nacre.js', import.meta.url))
let root = ''
let launcher = ''
let home = ''

before(() => {
  root = mkdtempSync(join(tmpdir(), 'nacre-launcher-'))
  home = join(root, 'home')
  launcher = join(root, 'packages/cli/bin/nacre.js')
  const dist = join(root, 'packages/cli/dist')
  for (const folder of [home, dist, join(root, 'packages/cli/bin')]) mkdirSync(folder, { recursive: true })
  cpSync(source, launcher)
  writeFileSync(join(root, 'packages/cli/package.json'), '{"type":"module"}')
  const says = (name: string, more = ''): void =>
    writeFileSync(
      join(dist, `${name}.js`),
      `export const start = async argv => { console.log(JSON.stringify(['${name}', ...argv])); return 7 }\n${more}`,
    )
  says('ssh')
  says('sshd')
  says('version')
  says('help', `export const commandNames = ['ssh', 'sshd', 'unbuilt', 'broken', 'help', 'version']`)
  writeFileSync(join(dist, 'broken.js'), `export const start = async () => { throw new Error('it broke') }`)
  writeFileSync(
    join(dist, 'wait.js'),
    `export const start = () => new Promise(resolve => { process.on('SIGTERM', () => resolve(9)); setInterval(() => {}, 1000); console.log('ready') })`,
  )
})
after(() => rmSync(root, { recursive: true, force: true }))

const run = (argv: readonly string[], options: { node?: readonly string[]; path?: string; env?: Record<string, string> } = {}) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...(options.node ?? []), options.path ?? launcher, ...argv], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, HOME: home, ...options.env },
  })
  return { status, stderr, said: stdout === '' ? undefined : (JSON.parse(stdout) as unknown) }
}

describe('the command', () => {
  test('is the first argument, and its exit code is ours', () => {
    assert.deepEqual(run(['ssh', '-v', 'host']), { status: 7, stderr: '', said: ['ssh', '-v', 'host'] })
  })

  test('is the name of the link it was called by', () => {
    for (const name of ['ssh', 'sshd']) {
      const link = join(root, name)
      symlinkSync(launcher, link)
      assert.deepEqual(run(['-V'], { path: link }).said, [name, '-V'])
    }
  })

  test('is help or version when nothing else is asked', () => {
    assert.deepEqual(run([]).said, ['help'])
    for (const word of ['help', '--help', '-h']) assert.deepEqual(run([word]).said, ['help'])
    for (const word of ['version', '--version', '-V']) assert.deepEqual(run([word]).said, ['version'])
    assert.deepEqual(run(['help', 'ssh']).said, ['ssh', '--help'])
  })

  test('that does not exist is for the help to explain', () => {
    for (const name of ['nosuch', '../../../etc/passwd', '-x', 'SSH']) assert.deepEqual(run([name]).said, ['help', name])
  })

  test('that is not built is named, with what to do', () => {
    const { status, stderr } = run(['unbuilt'])
    assert.equal(status, 255)
    assert.match(stderr, /^nacre: unbuilt is not built\. In a checkout, run `npm ci`/)
  })

  test('that throws ends with 255 and one line', () => {
    assert.deepEqual(run(['broken']), { status: 255, stderr: 'nacre: it broke\n', said: undefined })
  })
})

describe('compiled code', () => {
  test('is kept in a folder of the user alone', () => {
    run(['ssh'])
    const folder = statSync(join(home, '.cache/nacre'))
    assert.equal(folder.mode & 0o077, 0)
  })

  test('is not kept where others can write, nor when there is no home', () => {
    const open = join(root, 'open')
    mkdirSync(join(open, 'nacre'), { recursive: true })
    chmodSync(join(open, 'nacre'), 0o777)
    assert.equal(run(['ssh'], { env: { XDG_CACHE_HOME: open } }).status, 7)
    assert.equal(spawnSync('ls', [join(open, 'nacre')], { encoding: 'utf8' }).stdout, '')
    const missing = join(root, 'missing')
    assert.equal(run(['ssh'], { env: { HOME: missing } }).status, 7)
    assert.equal(existsSync(missing), false, 'no home was made')
  })
})

describe('on a Node that is too old', () => {
  const old = ['--import', `data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'20.1.0'}})`]
  const bring = (): void => {
    mkdirSync(join(root, 'node_modules/.bin'), { recursive: true })
    writeFileSync(join(root, 'node_modules/.bin/node'), `#!/bin/sh\nexec "${process.execPath}" "$@"\n`, { mode: 0o755 })
  }

  test('it says what is needed when there is no other', () => {
    const { status, stderr } = run(['ssh'], { node: old })
    assert.equal(status, 255)
    assert.match(stderr, /needs Node 24 or later/)
  })

  test('it runs on the one the checkout brings, with its streams and exit code', () => {
    bring()
    assert.deepEqual(run(['ssh', 'a b'], { node: old }), { status: 7, stderr: '', said: ['ssh', 'a b'] })
    const link = join(root, 'elsewhere')
    mkdirSync(link)
    symlinkSync(launcher, join(link, 'sshd'))
    assert.deepEqual(run(['-t'], { node: old, path: join(link, 'sshd') }).said, ['sshd', '-t'])
  })

  test('signals reach the command, and its end is ours', async () => {
    bring()
    const child = spawn(process.execPath, [...old, launcher, 'wait'], {
      env: { PATH: process.env.PATH, HOME: home },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await new Promise(resolve => child.stdout.once('data', resolve))
    child.kill('SIGTERM')
    const code = await new Promise(resolve => child.once('exit', resolve))
    assert.equal(code, 9)
  })
})
