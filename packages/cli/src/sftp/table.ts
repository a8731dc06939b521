// Owns the table of commands of `sftp> `: all rows of all groups, in the order of the help, and running a line. Knows no command.
import { changeCommands } from './change-commands.ts'
import { type Command, readGiven } from './command.ts'
import { CommandError } from './failures.ts'
import { listCommands } from './list-commands.ts'
import { placeCommands } from './place-commands.ts'
import type { Session } from './session.ts'
import { visible } from './shown.ts'
import { transferCommands } from './transfer-commands.ts'
import { LineError, readPrefixes, splitWords } from './words.ts'

const helpColumn = 35
const helpWidth = 80

/** One line, or two where it is too long. */
const helpLine = (call: string, does: string): string => {
  const cut = does.length <= helpWidth - helpColumn ? does.length : does.lastIndexOf(' ', helpWidth - helpColumn)
  const rest = does.slice(cut).trim()
  return `${call.padEnd(helpColumn)}${does.slice(0, cut)}${rest === '' ? '' : `\n${' '.repeat(helpColumn)}${rest}`}`
}

const help: Command = {
  names: ['help', '?'],
  help: [
    ['help', 'Display this help text'],
    ['?', 'Synonym for help'],
  ],
  flags: '',
  completes: [],
  async run(session) {
    session.say('Available commands:')
    for (const line of helpLines()) session.say(line)
    return true
  },
}

/** All calls in order, signs last. */
export const helpLines = (): readonly string[] => {
  const sign = ([call]: readonly [string, string]): number => (call.startsWith('!') ? 1 : call.startsWith('?') ? 2 : 0)
  const name = ([call]: readonly [string, string]): string => call.split(' ')[0]
  return commandRows
    .flatMap(row => row.help)
    .toSorted((a, b) => sign(a) - sign(b) || (sign(a) > 0 ? 0 : name(a) < name(b) ? -1 : 1))
    .map(([call, does]) => helpLine(call, does))
}

const commandRows: readonly Command[] = [...changeCommands, ...listCommands, ...placeCommands, ...transferCommands, help]

/** Every name a command goes by, in order. */
export const commandNames: readonly string[] = commandRows.flatMap(row => row.names).toSorted()

export const commandOf = (name: string): Command | undefined => commandRows.find(row => row.names.includes(name.toLowerCase()))

type Task = (session: Session) => Promise<boolean | 'end'>

/** What a line without its prefixes asks for. Throws `LineError`. */
const readCommand = (line: string): Task | undefined => {
  if (line === '') return undefined
  const words = splitWords(line)
  const called = line.startsWith('!') ? '!' : (words[0]?.text ?? '')
  const command = commandOf(called)
  if (command === undefined) throw new LineError('Invalid command.')
  const name = called.toLowerCase()
  const rest = line.slice(called.length).trimStart()
  const texts = words.slice(1).map(word => word.text)
  const given = readGiven(command, name, texts, called === '!' ? line.slice(1) : rest)
  return session => command.run(session, given)
}

/**
 * Runs one line. `echo`: it is shown first, unless it says otherwise; `strict`: an error is an end. Says what went wrong. Throws
 * when the connection is gone, and the reason of the session's signal.
 */
export const runLine = async (
  session: Session,
  line: string,
  how: { echo: boolean; strict: boolean },
): Promise<'next' | 'end' | 'failed'> => {
  const { forgiving, silent, command } = readPrefixes(line)
  session.strict = how.strict && !forgiving
  let task: Task | undefined
  let good: boolean | 'end' = true
  try {
    task = readCommand(command)
  } catch (error) {
    if (!(error instanceof LineError)) throw error
    session.complain(error.message)
    good = false
  }
  if (how.echo && !silent) session.say(`sftp> ${visible(line)}`)
  try {
    if (task !== undefined) good = await task(session)
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    session.complain(error.message)
    good = false
  }
  if (good === 'end') return 'end'
  return good || !session.strict ? 'next' : 'failed'
}
