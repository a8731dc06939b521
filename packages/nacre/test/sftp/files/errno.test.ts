// What the system's names for faults become: statuses and sentences that tell them apart, without paths of the machine.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SftpError } from '../../../src/errors.ts'
import { errnoError, errnoOf, fileError } from '../../../src/sftp/files/errno.ts'

const statuses = {
  ENOENT: 'no-such-file',
  ENOTDIR: 'not-a-directory',
  EISDIR: 'file-is-a-directory',
  EEXIST: 'file-already-exists',
  ENOTEMPTY: 'dir-not-empty',
  ELOOP: 'link-loop',
  ENAMETOOLONG: 'invalid-filename',
  EILSEQ: 'invalid-filename',
  EACCES: 'permission-denied',
  EPERM: 'permission-denied',
  EROFS: 'write-protect',
  ENOSPC: 'no-space-on-filesystem',
  EDQUOT: 'quota-exceeded',
  ETXTBSY: 'lock-conflict',
  EBUSY: 'lock-conflict',
  EINVAL: 'invalid-parameter',
  EBADF: 'invalid-handle',
  ESTALE: 'invalid-handle',
  ENOSYS: 'op-unsupported',
  EFBIG: 'failure',
  EXDEV: 'failure',
  EMFILE: 'failure',
  ENFILE: 'failure',
  EIO: 'failure',
} as const

test('each fault has its status, and says something different', () => {
  const messages = new Set<string>()
  for (const [errno, status] of Object.entries(statuses)) {
    const error = errnoError(errno, 'open', '/a')
    assert.deepEqual([error.status, error.errno, error.operation, error.path], [status, errno, 'open', '/a'])
    assert.match(error.message, /^[A-Z].*\.$/)
    messages.add(error.message)
  }
  assert.equal(messages.size, Object.keys(statuses).length)
})

test('full, over quota, not allowed, too large and too long are told apart in words', () => {
  const say = (errno: string): string => errnoError(errno, 'write').message
  assert.match(say('ENOSPC'), /disk is full/)
  assert.match(say('EDQUOT'), /quota/)
  assert.match(say('EACCES'), /denied/)
  assert.match(say('EFBIG'), /larger/)
  assert.match(say('ENAMETOOLONG'), /longer/)
  assert.match(say('EROFS'), /reading only/)
})

test('an unknown fault says its name', () => {
  const error = errnoError('EWEIRD', 'read')
  assert.deepEqual([error.status, error.message], ['failure', 'The system reports EWEIRD.'])
})

test('an error of Node becomes one without its path, which stays in the cause', () => {
  const cause = Object.assign(new Error("ENOENT: no such file or directory, open '/proc/1/fd/20/secret'"), { code: 'ENOENT' })
  const error = fileError(cause, 'open', '/secret')
  assert.ok(error instanceof SftpError)
  assert.equal(error.message.includes('proc'), false)
  assert.equal(error.cause, cause)
})

test('what Node finds out itself has a name of the system too', () => {
  const nul = Object.assign(new TypeError('must be a string without null bytes'), { code: 'ERR_INVALID_ARG_VALUE' })
  assert.equal(errnoOf(fileError(nul, 'open')), 'EILSEQ')
})

test('what is no fault of a file comes back as it was', () => {
  const bug = new TypeError('undefined is not a function')
  assert.equal(fileError(bug, 'open'), bug)
  const ours = errnoError('EIO', 'read')
  assert.equal(fileError(ours, 'open'), ours)
})
