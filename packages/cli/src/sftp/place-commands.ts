// Owns the commands about where we are, here and there, and about this program itself. Knows no files' contents.
import { mkdirSync } from 'node:fs'
import { once } from 'node:events'
import { spawnClean } from '../spawn.ts'
import { type Command, needsPath, numberOf } from './command.ts'
import { attempt, CommandError, reasonOf } from './failures.ts'
import { lookFar } from './far.ts'
import { systemPath, withHome } from './near.ts'
import { inMessage, visible } from './shown.ts'
import type { Session } from './session.ts'
import { plainOf } from './words.ts'

const cd: Command = {
  names: ['cd', 'chdir'],
  help: [['cd path', "Change remote directory to 'path'"]],
  flags: '',
  completes: ['far'],
  async run(session, { words: [word = ''] }) {
    const wanted = session.far(plainOf(word) || session.start)
    const path = await attempt(`realpath ${inMessage(wanted)}`, session.sftp.realPath(wanted, { signal: session.signal }))
    const { type } = await lookFar(session, path)
    if (type === 'unknown') throw new CommandError("Can't change directory: Can't check target")
    if (type !== 'directory') throw new CommandError(`Can't change directory: "${inMessage(path)}" is not a directory`)
    session.there = path
    return true
  },
}

const pwd: Command = {
  names: ['pwd'],
  help: [['pwd', 'Display remote working directory']],
  flags: '',
  completes: [],
  async run(session) {
    session.say(`Remote working directory: ${visible(session.there)}`)
    return true
  },
}

const lcd: Command = {
  names: ['lcd', 'lchdir'],
  help: [['lcd path', "Change local directory to 'path'"]],
  flags: '',
  completes: ['near'],
  async run(session, { words: [word = ''] }) {
    const wanted = plainOf(word) || '~'
    const path = withHome(wanted, session.environment.variables)
    const failed = (why: string): CommandError =>
      new CommandError(`Couldn't change local directory to "${inMessage(path ?? wanted)}": ${why}`)
    if (path === undefined) throw failed('No such user')
    try {
      session.enter(path)
    } catch (error) {
      throw failed(reasonOf(error))
    }
    return true
  },
}

const lpwd: Command = {
  names: ['lpwd'],
  help: [['lpwd', 'Print local working directory']],
  flags: '',
  completes: [],
  async run(session) {
    session.say(`Local working directory: ${visible(session.here)}`)
    return true
  },
}

const lmkdir: Command = {
  names: ['lmkdir'],
  help: [['lmkdir path', 'Create local directory']],
  flags: '',
  completes: ['near'],
  check: needsPath,
  async run(session, { words }) {
    const path = plainOf(words[0])
    try {
      mkdirSync(systemPath(session.near(path)))
    } catch (error) {
      throw new CommandError(`Couldn't create local directory "${inMessage(path)}": ${reasonOf(error)}`)
    }
    return true
  },
}

/** Runs a command by the person's shell, or the shell itself. How it ends is said, and is no failure of ours. */
const shell = async (session: Session, command: string): Promise<boolean> => {
  const program = session.environment.variables.SHELL || '/bin/sh'
  const child = spawnClean(program, command === '' ? [] : ['-c', command], {
    cwd: session.here,
    stdio: ['inherit', 'inherit', 'inherit'],
  })
  try {
    const [code] = (await once(child, 'close')) as [number | null]
    if (code === null) session.complain('Shell exited abnormally')
    else if (code !== 0) session.complain(`Shell exited with status ${code}`)
  } catch (error) {
    session.complain(`Couldn't execute "${inMessage(program)}": ${reasonOf(error)}`)
  }
  return true
}

const lls: Command = {
  names: ['lls'],
  help: [['lls [ls-options [path]]', 'Display local directory listing']],
  flags: undefined,
  completes: ['near'],
  run: async (session, { rest }) => await shell(session, rest === '' ? 'ls' : `ls ${rest}`),
}

const escape: Command = {
  names: ['!'],
  help: [
    ['!command', "Execute 'command' in local shell"],
    ['!', 'Escape to local shell'],
  ],
  flags: undefined,
  completes: ['near'],
  run: async (session, { rest }) => await shell(session, rest),
}

const lumask: Command = {
  names: ['lumask'],
  help: [['lumask umask', "Set local umask to 'umask'"]],
  flags: 'h',
  completes: [],
  check: given => void numberOf(given, true),
  async run(session, given) {
    const mask = numberOf(given, true)
    process.umask(mask & 0o777)
    session.say(`Local umask: ${mask.toString(8).padStart(3, '0')}`)
    return true
  },
}

const progress: Command = {
  names: ['progress'],
  help: [['progress', 'Toggle display of progress meter']],
  flags: '',
  completes: [],
  async run(session) {
    session.showsProgress = !session.showsProgress
    session.say(`Progress meter ${session.showsProgress ? 'enabled' : 'disabled'}`)
    return true
  },
}

const version: Command = {
  names: ['version'],
  help: [['version', 'Show SFTP version']],
  flags: '',
  completes: [],
  async run(session) {
    session.say(`SFTP protocol version ${session.sftp.version}`)
    return true
  },
}

const quit: Command = {
  names: ['bye', 'exit', 'quit'],
  help: [
    ['bye', 'Quit sftp'],
    ['exit', 'Quit sftp'],
    ['quit', 'Quit sftp'],
  ],
  flags: '',
  completes: [],
  run: async () => 'end',
}

export const placeCommands: readonly Command[] = [cd, lcd, lls, lmkdir, lpwd, lumask, progress, pwd, quit, version, escape]
