// Disks that take no more: full, out of inodes, and a limit on the size of files, each told apart. In a process of its own,
// where a file system in memory can be mounted that goes with it, and limits can be set.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { localFiles } from '../../../src/sftp/files/local-node.ts'
import { notIn } from '../../runtime.ts'
import { bytesOf, folderFor, how, refused } from './on-disk.ts'

for (const blocking of ['adaptive', 'never'] as const) {
  test(`a device that is always full says so: ${blocking}`, { skip: !existsSync('/dev/full') && 'no /dev/full' }, async () => {
    const file = await localFiles({ blocking }).open('/dev/full', how('write'), {})
    await refused(() => file.write(0, bytesOf('x')), 'ENOSPC', 'no-space-on-filesystem')
    await file.close()
  })
}

/** Runs `scenario` of `disk-scenario.ts` on `folder` behind a shell that does `before`; what each of its steps said. */
const inProcess = (before: string, scenario: string, folder: string): { readonly lines: readonly string[]; readonly error: string } => {
  const command = [process.execPath, '--conditions=nacre-source', join(import.meta.dirname, 'disk-scenario.ts'), scenario, folder]
  const { stdout, stderr } = spawnSync('unshare', ['--mount', 'sh', '-c', `${before} && exec "$@"`, 'sh', ...command], {
    encoding: 'utf8',
    env: { ...process.env, FOLDER: folder },
  })
  return { lines: stdout.trim().split('\n'), error: stderr }
}

const mounts =
  process.getuid?.() === 0 &&
  spawnSync('unshare', ['--mount', 'sh', '-c', 'mount -t tmpfs -o size=64k tmpfs /mnt'], { encoding: 'utf8' }).status === 0
const cannotMount = !mounts && 'no file system can be mounted here'

test('a full disk takes what fits, says that it is full, and goes on once there is room', { skip: cannotMount }, t => {
  const { lines, error } = inProcess('mount -t tmpfs -o size=256k tmpfs "$FOLDER"', 'full', folderFor(t))
  assert.deepEqual(
    lines,
    [
      'write: no-space-on-filesystem ENOSPC',
      'what was there: whole',
      'another file: no-space-on-filesystem ENOSPC',
      'after removing: done',
    ],
    error,
  )
})

test('a disk without inodes refuses names, not bytes', { skip: cannotMount }, t => {
  const { lines, error } = inProcess('mount -t tmpfs -o size=1m,nr_inodes=4 tmpfs "$FOLDER"', 'names', folderFor(t))
  assert.deepEqual(
    lines,
    [
      'file 1: done',
      'file 2: done',
      'file 3: done',
      'file 4: no-space-on-filesystem ENOSPC',
      'folder: no-space-on-filesystem ENOSPC',
      'link: no-space-on-filesystem ENOSPC',
      'write to an open one: done',
    ],
    error,
  )
})

test('a disk mounted for reading says so, and its space does too', { skip: cannotMount }, t => {
  const { lines, error } = inProcess(
    'mount -t tmpfs tmpfs "$FOLDER" && echo text > "$FOLDER/a" && mount -o remount,ro,nosuid "$FOLDER"',
    'read-only',
    folderFor(t),
  )
  assert.deepEqual(
    lines,
    [
      'open: write-protect EROFS',
      'create: write-protect EROFS',
      'remove: write-protect EROFS',
      'make a folder: write-protect EROFS',
      'mode: write-protect EROFS',
      'read: text',
      'space: read-only, no setuid',
    ],
    error,
  )
})

const cannotLimit = notIn(['Deno'], 'the system ends it when a file reaches its limit')

test('a file larger than the process may make is told apart from a full disk', { skip: cannotMount || cannotLimit }, t => {
  const { lines, error } = inProcess('ulimit -f 64', 'large', folderFor(t))
  assert.deepEqual(lines, ['write: failure EFBIG', 'size: failure EFBIG', 'below the limit: done'], error)
})

test('a file system elsewhere: names do not go from one to the other', { skip: cannotMount }, t => {
  const { lines, error } = inProcess('mkdir "$FOLDER/other" && mount -t tmpfs tmpfs "$FOLDER/other"', 'two', folderFor(t))
  assert.deepEqual(
    lines,
    [
      'rename: failure EXDEV',
      'rename, replacing: failure EXDEV',
      'rename a folder: failure EXDEV',
      'link: failure EXDEV',
      'left: a d other',
      'there:',
    ],
    error,
  )
})

test('the process has as many files open as it may, and can go on when some are closed', { skip: cannotMount }, t => {
  const { lines, error } = inProcess('ulimit -n 64', 'descriptors', folderFor(t))
  assert.deepEqual(lines, ['open: failure EMFILE', 'open confined: failure EMFILE', 'after closing: done'], error)
})
