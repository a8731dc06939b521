// Files in a folder cannot be left: every operation with every trick known, each once towards something outside that exists
// and once towards something that does not. Nothing outside is read or changed, and the two cannot be told apart. Whether the
// tricks are real ones is asked of files that are not confined.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import { describe, test } from 'node:test'
import { SftpError } from '../../../src/errors.ts'
import { localFiles } from '../../../src/sftp/files/local-node.ts'
import { type RootedFiles, rootedFiles, type RootedFilesOptions } from '../../../src/sftp/files/rooted-node.ts'
import type { Files } from '../../../src/sftp/files.ts'
import { type Operation, operations } from './every-operation.ts'
import { folderFor, listAll, namesIn, quickDisk, readAll, refusal, writeAll } from './on-disk.ts'

const secret = 'WHAT IS OUTSIDE'

/** Beside the root. `outside/known` and `outside/empty` exist; the names asked for in their stead have the same length. */
const prepareOutside = (base: string): void => {
  fs.mkdirSync(`${base}/outside/known`, { recursive: true })
  fs.writeFileSync(`${base}/outside/known/a`, secret)
  fs.writeFileSync(`${base}/outside/file1`, secret)
  fs.mkdirSync(`${base}/outside/empty`)
  fs.symlinkSync('file1', `${base}/outside/link1`)
}
/** Things outside, and what stands in for each when there is to be none: of the same length. */
const targets: readonly (readonly [there: string, missing: string])[] = [
  ['outside/file1', 'outside/none1'],
  ['outside/known', 'outside/none1'],
  ['outside/empty', 'outside/none1'],
  ['outside/known/a', 'outside/known/z'],
]

const prepareRoot = (root: string): void => {
  fs.rmSync(root, { recursive: true, force: true })
  fs.mkdirSync(`${root}/d/e`, { recursive: true })
  fs.mkdirSync(`${root}/folder`)
  fs.writeFileSync(`${root}/safe`, 'safe')
  fs.writeFileSync(`${root}/d/e/f`, 'f')
}

interface Trick {
  readonly name: string
  /** Prepares the root so that the path given back means `target` to somebody who is careless. `base` holds both. */
  lay(root: string, target: string, base: string): string
  /** False when the path is a careless one only for whoever decodes or normalises it. */
  readonly plain?: false
}

const linkTo = (root: string, name: string, text: string): string => {
  fs.symlinkSync(text, `${root}/${name}`)
  return `/${name}`
}

const tricks: readonly Trick[] = [
  { name: 'dots', lay: (_, target) => `/../${target}` },
  { name: 'many dots', lay: (_, target, base) => `/${'../'.repeat(40)}${base.slice(1)}/${target}` },
  { name: 'dots after a folder', lay: (_, target) => `/d/e/../../../${target}` },
  { name: 'dots with slashes and points between', lay: (_, target) => `//.//d/.///..//./..//${target}` },
  { name: 'dots after a link to a folder', lay: (root, target) => `${linkTo(root, 'l', 'd/e')}/../../../${target}` },
  { name: 'an absolute link', lay: (root, target, base) => linkTo(root, 'l', `${base}/${target}`) },
  { name: 'a relative link', lay: (root, target) => linkTo(root, 'd/e/l', `../../../${target}`) },
  { name: 'a link with many dots', lay: (root, target, base) => linkTo(root, 'l', `${'../'.repeat(60)}${base.slice(1)}/${target}`) },
  {
    name: 'a link to a link',
    lay: (root, target, base) => {
      linkTo(root, 'one', `${base}/${target}`)
      return linkTo(root, 'two', 'd/../one')
    },
  },
  {
    name: 'a folder that is an absolute link',
    lay: (root, target, base) => `${linkTo(root, 'l', base)}/${target}`,
  },
  { name: 'a folder that is a link to dots', lay: (root, target) => `${linkTo(root, 'd/l', '../..')}/${target}` },
  { name: 'a folder that is a link to dots with a slash', lay: (root, target) => `${linkTo(root, 'd/l', '../../')}/${target}` },
  {
    name: 'dots in a link that leads out and back',
    lay: (root, target, base) => `${linkTo(root, 'l', `${base}/outside`)}/../${target}`,
  },
  { name: 'a link with a slash behind', lay: (root, target, base) => `${linkTo(root, 'l', `${base}/${target}`)}/` },
  { name: 'a link with a point behind', lay: (root, target, base) => `${linkTo(root, 'l', `${base}/${target}`)}/.` },
  {
    name: 'a link whose text ends in a slash',
    lay: (root, target, base) => linkTo(root, 'l', `${base}/${target}/`),
  },
  {
    name: 'a link to the root of this process by /proc',
    lay: (root, target, base) => linkTo(root, 'l', `/proc/self/root${base}/${target}`),
  },
  { name: 'a folder that is a link into /proc', lay: (root, target, base) => `${linkTo(root, 'l', '/proc/self/root')}${base}/${target}` },
  {
    name: 'a link to where this process is, by /proc',
    lay: (root, target, base) => linkTo(root, 'l', `/proc/${process.pid}/cwd/${'../'.repeat(40)}${base.slice(1)}/${target}`),
  },
  { name: 'the path of the disk itself', lay: (_, target, base) => `${base}/${target}` },
  { name: 'the path by /proc', lay: (_, target, base) => `/proc/self/root${base}/${target}`, plain: false },
  { name: 'a descriptor', lay: (_, target) => `/dev/fd/3/${target}`, plain: false },
  { name: 'dots as a web address has them', lay: (_, target) => `/%2e%2e/${target}`, plain: false },
  { name: 'slashes as a web address has them', lay: (_, target) => `/..%2f${target}`, plain: false },
  { name: 'backslashes', lay: (_, target) => `/..\\${target.replaceAll('/', '\\')}`, plain: false },
  { name: 'overlong UTF-8 for dots', lay: (_, target) => `/\udcc0\udcae\udcc0\udcae/${target}`, plain: false },
  { name: 'overlong UTF-8 for a slash', lay: (_, target) => `/..\udcc0\udcaf${target}`, plain: false },
  { name: 'surrogates that end in the bytes of dots and slashes', lay: (_, target) => `/\udc2e\udc2e\udc2f${target}`, plain: false },
  { name: 'wide dots', lay: (_, target) => `/．．/${target}`, plain: false },
  { name: 'a leader of two dots', lay: (_, target) => `/‥/${target}`, plain: false },
  { name: 'NUL after a name', lay: (_, target) => `/safe\0/../../${target}`, plain: false },
  { name: 'NUL at the end', lay: (_, target) => `/../${target}\0`, plain: false },
  { name: 'NUL in a link to follow', lay: (root, target, base) => `${linkTo(root, 'l', `${base}/${target}`)}\0`, plain: false },
  { name: 'a tilde', lay: (_, target) => `/~root/../${target}`, plain: false },
]

/** Everything outside, told to the last attribute but the time of reading. */
const stateOf = (folder: string): string =>
  [folder, ...fs.readdirSync(folder, { recursive: true }).map(name => `${folder}/${String(name)}`)]
    .toSorted()
    .map(path => {
      const { ino, mode, nlink, uid, gid, size, mtimeNs, ctimeNs } = fs.lstatSync(path, { bigint: true })
      return [path, ino, mode, nlink, uid, gid, size, mtimeNs, ctimeNs].join(' ')
    })
    .join('\n')

const allTargets = 'links lead inside, calls at once'
const settings: Readonly<Record<string, RootedFilesOptions>> = {
  [allTargets]: {},
  'links lead inside, calls in the thread pool': { blocking: 'never' },
  'links are refused': { symlinks: 'refuse' },
}

/** A root laid out for a trick towards one target. It is made anew after whatever changed it. */
const layOut = (base: string, name: string, trick: Trick, target: string, options: RootedFilesOptions) => {
  const root = `${base}/${name}`
  const make = (): { files: RootedFiles; path: string } => {
    prepareRoot(root)
    return { path: trick.lay(root, target, base), files: rootedFiles(root, options) }
  }
  let { files, path } = make()
  return {
    /** What somebody sees of it, the name of the target apart. */
    async outcomeOf(operation: Operation): Promise<string> {
      try {
        const seen = await operation.act(files, path)
        files[Symbol.dispose]()
        ;({ files, path } = make())
        return seen.replaceAll(target, 'TARGET').replaceAll(target.replaceAll('/', '\\'), 'TARGET')
      } catch (error) {
        assert.ok(error instanceof SftpError, `not an SftpError: ${String(error)}`)
        return `${error.status} ${error.errno} ${error.operation} ${error.message}`
      }
    },
    dispose: () => files[Symbol.dispose](),
  }
}

for (const [setting, options] of Object.entries(settings)) {
  describe(setting, () => {
    for (const trick of tricks) {
      test(`${trick.name}: ${setting}`, async t => {
        const base = folderFor(t, quickDisk)
        prepareOutside(base)
        const before = stateOf(`${base}/outside`)
        for (const [index, [there, missing]] of (options === settings[allTargets] ? targets : targets.slice(0, 2)).entries()) {
          const one = layOut(base, `root${index}a`, trick, there, options)
          const other = layOut(base, `root${index}b`, trick, missing, options)
          for (const operation of operations) {
            const seen = await one.outcomeOf(operation)
            const what = `${operation.name} of ${there}`
            assert.equal(seen.includes(secret), false, `${what} gave what is outside`)
            assert.equal(seen, await other.outcomeOf(operation), `${what} tells whether it is there`)
          }
          one.dispose()
          other.dispose()
        }
        assert.equal(stateOf(`${base}/outside`), before)
      })
    }
  })
}

describe('the tricks are real', () => {
  for (const trick of tricks.filter(({ plain }) => plain !== false)) {
    test(`${trick.name}: a path below the root that is not confined leads out`, async t => {
      const base = folderFor(t, quickDisk)
      const root = `${base}/root`
      prepareOutside(base)
      prepareRoot(root)
      const isFile = !/slash|point behind/.test(trick.name) || trick.name.includes('folder')
      const path = trick.lay(root, isFile ? 'outside/file1' : 'outside/known', base)
      const files = localFiles()
      // Who asks for the path of the disk itself gets out where nothing is put before it.
      const careless = trick.name.startsWith('the path') ? path : `${root}${path}`
      if (isFile) assert.equal(await readAll(files, careless), secret)
      else assert.deepEqual(await namesIn(files, careless), ['a'])
    })
  }
})

describe('in the folder, all is as in a chroot', () => {
  const make = (base: string, options?: RootedFilesOptions): Files => {
    prepareRoot(`${base}/root`)
    return rootedFiles(`${base}/root`, options)
  }

  test('absolute links begin at the root, and dots end there', async t => {
    const base = folderFor(t, quickDisk)
    const files = make(base)
    await files.symlink('/d/e', '/l')
    await files.symlink('/safe', '/d/e/absolute')
    await files.symlink('../../../../l/../e/f', '/d/up')
    assert.equal(await readAll(files, '/l/f'), 'f')
    assert.equal(await readAll(files, '/d/up'), 'f')
    await assert.doesNotReject(async () => assert.equal(await readAll(files, '/d/e/absolute'), 'safe'))
    assert.equal(await files.realPath('/d/e/absolute', true), '/safe')
    assert.equal(await files.realPath('/../../l/../../../../d/up', true), '/d/e/f')
    assert.equal(fs.readlinkSync(`${base}/root/l`), '/d/e')
  })

  test('forty links on one way are followed, one more is too many', async t => {
    const base = folderFor(t, quickDisk)
    const files = make(base)
    fs.symlinkSync('safe', `${base}/root/l0`)
    for (let index = 1; index <= 40; index++) fs.symlinkSync(`l${index - 1}`, `${base}/root/l${index}`)
    assert.equal(await readAll(files, '/l39'), 'safe')
    assert.equal((await refusal(() => readAll(files, '/l40'))).errno, 'ELOOP')
  })

  test('links that grow without end are cut short', async t => {
    const base = folderFor(t, quickDisk)
    const files = make(base)
    fs.symlinkSync('./'.repeat(500) + 'd/../'.repeat(500) + 'grow', `${base}/root/grow`)
    assert.match((await refusal(() => files.stat('/grow', true))).errno ?? '', /^(ELOOP|ENAMETOOLONG)$/)
  })

  test('a way of hundreds of folders needs no more than a few descriptors, and dots on it have a limit', async t => {
    const base = folderFor(t, quickDisk)
    const files = make(base)
    let deep = ''
    for (let index = 0; index < 300; index++) {
      deep += '/x'
      await files.makeDirectory(deep, {})
    }
    await writeAll(files, `${deep}/a`, 'deep')
    await writeAll(files, `${'/x'.repeat(240)}/a`, 'less deep')
    assert.equal(await readAll(files, `${deep}/a`), 'deep')
    assert.equal((await refusal(() => readAll(files, `${deep}/../x/a`))).errno, 'ENAMETOOLONG')
    assert.equal(await readAll(files, `/x/x/../..${'/x'.repeat(200)}/../..${'/x'.repeat(42)}/a`), 'less deep')
  })

  test('the root itself stays', async t => {
    const base = folderFor(t, quickDisk)
    const files = make(base)
    for (const path of ['/', '/.', '/..', '/d/..', '//']) {
      await refusal(() => files.remove(path))
      await refusal(() => files.removeDirectory(path))
      await refusal(() => files.rename(path, '/new', true))
      await refusal(() => files.rename('/d', path, true))
      assert.equal((await files.stat(path, true)).type, 'directory')
    }
    assert.deepEqual(await namesIn(files, '/'), ['d', 'folder', 'safe'])
  })

  test('refusing links: they are seen, read and removed, never followed or made', async t => {
    const base = folderFor(t, quickDisk)
    const files = make(base, { symlinks: 'refuse' })
    fs.symlinkSync('d', `${base}/root/l`)
    assert.equal((await refusal(() => readAll(files, '/l/e/f'))).errno, 'ELOOP')
    assert.equal((await refusal(() => files.stat('/l', true))).errno, 'ELOOP')
    assert.equal((await refusal(() => files.symlink('d', '/m'))).errno, 'EPERM')
    assert.equal((await files.stat('/l', false)).type, 'symlink')
    assert.equal(await files.readLink('/l'), 'd')
    await files.rename('/l', '/m', false)
    await files.remove('/m')
    assert.equal(await readAll(files, '/d/e/f'), 'f')
  })

  test('pipes and sockets can be hidden', async t => {
    const { execFileSync } = await import('node:child_process')
    const base = folderFor(t, quickDisk)
    const files = make(base, { special: 'hide' })
    execFileSync('mkfifo', [`${base}/root/pipe`])
    assert.deepEqual(await namesIn(files, '/'), ['d', 'folder', 'safe'])
    assert.equal((await refusal(() => files.stat('/pipe', false))).errno, 'ENOENT')
    assert.deepEqual(await namesIn(rootedFiles(`${base}/root`), '/'), ['d', 'folder', 'pipe', 'safe'])
  })

  test('names of accounts are told on request only', async t => {
    const base = folderFor(t, quickDisk)
    const files = make(base)
    assert.deepEqual([await files.namesOf('user', [0]), await files.idOf('user', 'root'), await files.home('')], [[''], undefined, '/'])
    assert.equal((await refusal(() => files.home('root'))).status, 'unknown-principal')
    assert.equal((await refusal(() => files.setAttributes('/safe', { owner: 'root' }, true))).status, 'owner-invalid')
    assert.deepEqual(await make(base, { accounts: 'show' }).namesOf('user', [0]), ['root'])
    assert.equal(await make(base, { home: '/d' }).home(''), '/d')
  })

  test('a root that contains /proc does not lead out by it', { skip: !fs.existsSync('/proc/self/mountinfo') && 'no /proc' }, async () => {
    for (const blocking of ['adaptive', 'never'] as const) {
      using files = rootedFiles('/', { blocking })
      for (const path of ['/proc/self/environ', `/proc/${process.pid}/root/etc/passwd`, '/proc/self/fd/0', '/proc/self/mem']) {
        assert.equal((await refusal(() => readAll(files, path))).errno, 'EACCES')
      }
      assert.equal((await refusal(() => listAll(files, '/proc'))).errno, 'EACCES')
    }
  })

  test('let go of, the folder is closed once nothing is under way, and asked again it refuses', async t => {
    const base = folderFor(t, quickDisk)
    prepareRoot(`${base}/root`)
    const before = fs.readdirSync('/proc/self/fd').length
    const files = rootedFiles(`${base}/root`, { blocking: 'never' })
    const under = files.stat('/d/e/f', true)
    files[Symbol.dispose]()
    files[Symbol.dispose]()
    await assert.doesNotReject(async () => assert.equal((await under).size, 1))
    assert.equal((await refusal(() => files.stat('/safe', true))).errno, 'EBADF')
    // Roots of earlier tests may be forgotten just now, and theirs closed.
    assert.ok(fs.readdirSync('/proc/self/fd').length <= before)
  })

  test('what is no folder, or not there, cannot be a root', async t => {
    const base = folderFor(t, quickDisk)
    prepareRoot(`${base}/root`)
    assert.equal((await refusal(() => rootedFiles(`${base}/none`))).errno, 'ENOENT')
    assert.equal((await refusal(() => rootedFiles(`${base}/root/safe`))).errno, 'ENOTDIR')
  })
})
