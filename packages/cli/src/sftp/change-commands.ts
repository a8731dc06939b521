// Owns the commands that change something on the server without moving bytes to or from here. Knows no transfers.
import { SftpError } from 'nacre/sftp'
import { type Command, type Given, needsPath, needsTwoPaths, numberOf } from './command.ts'
import { attempt, CommandError } from './failures.ts'
import { lookFar, namedFar } from './far.ts'
import { inMessage } from './shown.ts'
import type { Session } from './session.ts'
import { LineError, plainOf } from './words.ts'

/** The first two words as paths that are no patterns. */
const twoPlain = ({ words }: Given): readonly [string, string] => [plainOf(words[0]), plainOf(words[1])]

/** Does `work` with each path that fits, and goes on after a failure unless that ends all. */
const forEach = async (session: Session, pattern: string, work: (path: string) => Promise<void>): Promise<boolean> => {
  let good = true
  for (const path of await namedFar(session, session.farPattern(pattern))) {
    session.signal.throwIfAborted()
    try {
      await work(path)
    } catch (error) {
      if (!(error instanceof CommandError)) throw error
      session.complain(error.message)
      good = false
      if (session.strict) break
    }
  }
  return good
}

const setEach = async (
  session: Session,
  given: Given,
  attributesOf: (path: string) => Promise<{ permissions: number } | { uid: number; gid: number }>,
): Promise<boolean> => {
  const follow = !given.flags.has('h')
  const { calls } = session.sftp
  return await forEach(session, given.words[1], async path => {
    const attributes = await attributesOf(path)
    const about = `remote ${follow ? 'setstat' : 'lsetstat'} "${inMessage(path)}"`
    if (!follow && !session.sftp.extensions.has('lsetstat@openssh.com'))
      throw new CommandError('Server does not support lsetstat@openssh.com extension')
    await attempt(about, calls.setAttributes(path, attributes, { signal: session.signal, follow }))
  })
}

const checkNumber =
  (octal: boolean) =>
  (given: Given): void => {
    numberOf(given, octal)
    if (given.words.length < 2) throw new LineError(`You must specify a path after a ${given.name} command.`)
  }

const chmod: Command = {
  names: ['chmod'],
  help: [['chmod [-h] mode path', "Change permissions of file 'path' to 'mode'"]],
  flags: 'h',
  completes: ['far'],
  check: checkNumber(true),
  async run(session, given) {
    const permissions = numberOf(given, true)
    return await setEach(session, given, async path => {
      session.tell(`Changing mode on ${path}`)
      return { permissions: permissions & 0o7777 }
    })
  },
}

/** chown and chgrp: the other of the two stays what it is. */
const owning = (name: 'chown' | 'chgrp', call: string, does: string, what: 'owner' | 'group'): Command => ({
  names: [name],
  help: [[call, does]],
  flags: 'h',
  completes: ['far'],
  check: checkNumber(false),
  async run(session, given) {
    const id = numberOf(given, false)
    return await setEach(session, given, async path => {
      const { uid, gid } = await lookFar(session, path, !given.flags.has('h'))
      if (uid === undefined || gid === undefined) throw new CommandError(`Can't get current ownership of remote file "${inMessage(path)}"`)
      session.tell(`Changing ${what} on ${path}`)
      return what === 'owner' ? { uid: id, gid } : { uid, gid: id }
    })
  },
})

const rm: Command = {
  names: ['rm'],
  help: [['rm path', 'Delete remote file']],
  flags: '',
  completes: ['far'],
  check: needsPath,
  run: async (session, { words }) =>
    await forEach(session, words[0], async path => {
      session.tell(`Removing ${path}`)
      await attempt(`remote delete ${inMessage(path)}`, session.sftp.calls.remove(path, { signal: session.signal }))
    }),
}

const mkdir: Command = {
  names: ['mkdir'],
  help: [['mkdir path', 'Create remote directory']],
  flags: '',
  completes: ['far'],
  check: needsPath,
  async run(session, { words }) {
    const path = session.far(plainOf(words[0]))
    const made = session.sftp.calls.makeDirectory(path, { permissions: 0o777 }, { signal: session.signal })
    await attempt(`remote mkdir "${inMessage(path)}"`, made)
    return true
  },
}

const rmdir: Command = {
  names: ['rmdir'],
  help: [['rmdir path', 'Remove remote directory']],
  flags: '',
  completes: ['far'],
  check: needsPath,
  async run(session, { words }) {
    const path = session.far(plainOf(words[0]))
    await attempt(`remote rmdir "${inMessage(path)}"`, session.sftp.calls.removeDirectory(path, { signal: session.signal }))
    return true
  },
}

const rename: Command = {
  names: ['rename'],
  help: [['rename oldpath newpath', 'Rename remote file']],
  flags: 'l',
  completes: ['far', 'far'],
  check: needsTwoPaths,
  async run(session, given) {
    const [from, to] = twoPlain(given).map(each => session.far(each))
    const { calls, extensions } = session.sftp
    const { signal } = session
    // -l asks for the request of the draft, which replaces nothing.
    const replaces = extensions.has('posix-rename@openssh.com') && !given.flags.has('l')
    const renamed = replaces ? calls.posixRename(from, to, { signal }) : calls.plainRename(from, to, { signal })
    await attempt(`remote rename "${inMessage(from)}" to "${inMessage(to)}"`, renamed)
    return true
  },
}

const link = async (session: Session, given: Given, symbolic: boolean): Promise<boolean> => {
  const [target, name] = twoPlain(given)
  const path = session.far(name)
  const { signal } = session
  if (symbolic) {
    await attempt(`remote symlink file "${inMessage(target)}" to "${inMessage(path)}"`, session.sftp.symlink(target, path, { signal }))
    return true
  }
  const existing = session.far(target)
  if (!session.sftp.extensions.has('hardlink@openssh.com')) throw new CommandError('Server does not support hardlink@openssh.com extension')
  await attempt(`remote link "${inMessage(existing)}" to "${inMessage(path)}"`, session.sftp.link(existing, path, { signal }))
  return true
}

const ln: Command = {
  names: ['ln'],
  help: [['ln [-s] oldpath newpath', 'Link remote file (-s for symlink)']],
  flags: 's',
  completes: ['far', 'far'],
  check: needsTwoPaths,
  run: async (session, given) => await link(session, given, given.flags.has('s')),
}

const symlink: Command = {
  names: ['symlink'],
  help: [['symlink oldpath newpath', 'Symlink remote file']],
  flags: '',
  completes: ['far', 'far'],
  check: needsTwoPaths,
  run: async (session, given) => await link(session, given, true),
}

const copy: Command = {
  names: ['copy', 'cp'],
  help: [
    ['copy oldpath newpath', 'Copy remote file'],
    ['cp oldpath newpath', 'Copy remote file'],
  ],
  flags: '',
  completes: ['far', 'far'],
  check: needsTwoPaths,
  async run(session, given) {
    const [from, to] = twoPlain(given).map(each => session.far(each))
    const { type } = await lookFar(session, from)
    if (type !== 'file' && type !== 'unknown') throw new CommandError(`Cannot copy non-regular file: ${inMessage(from)}`)
    try {
      await session.sftp.copy(from, to, { replace: true, signal: session.signal })
    } catch (error) {
      if (error instanceof SftpError && error.operation === 'open' && error.path === from)
        await attempt(`remote open "${inMessage(from)}"`, Promise.reject(error))
      await attempt(`remote open("${inMessage(to)}")`, Promise.reject(error))
    }
    return true
  },
}

export const changeCommands: readonly Command[] = [
  owning('chgrp', 'chgrp [-h] grp path', "Change group of file 'path' to 'grp'", 'group'),
  chmod,
  owning('chown', 'chown [-h] own path', "Change owner of file 'path' to 'own'", 'owner'),
  copy,
  ln,
  mkdir,
  rename,
  rm,
  rmdir,
  symlink,
]
