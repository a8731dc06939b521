// Owns completion of what somebody types at `sftp> `: names of commands, of files here and of files on the server, with the
// backslashes their names want. Knows no terminal.
import { isPattern, literalOf } from 'nacre/sftp'
import { farNames, findFar } from './far.ts'
import { absolute, localGlob, localNames } from './near.ts'
import type { Session } from './session.ts'
import { commandNames, commandOf } from './table.ts'
import { splitWords, type Word } from './words.ts'

export interface Completion {
  /** What is to be added at the cursor. */
  readonly insert: string
  /** What to choose from, when that is several things; as they are. */
  readonly choices: readonly string[]
}

const nothing: Completion = { insert: '', choices: [] }

/** A part of a name as it has to be typed. */
export const typedName = (name: string, quote: Word['open']): string =>
  quote === undefined ? name.replace(/['"\\\t[\]?* #]/g, '\\$&') : name.replace(quote === '"' ? /["\\]/g : /['\\]/g, '\\$&')

/** The longest beginning they have in common, whole characters only. */
export const commonStart = (names: readonly string[]): string => {
  const [first = '', ...others] = names
  let start = [...first]
  for (const other of others) {
    const characters = [...other]
    const differs = start.findIndex((character, index) => character !== characters[index])
    if (differs >= 0) start = start.slice(0, differs)
  }
  return start.join('')
}

const completeCommand = (typed: string): Completion => {
  const fitting = commandNames.filter(name => name.startsWith(typed.toLowerCase()))
  if (typed === '') return { insert: '', choices: fitting }
  const rest = commonStart(fitting).slice(typed.length)
  return fitting.length === 1 ? { insert: `${rest} `, choices: [] } : { insert: rest, choices: fitting }
}

interface Place {
  /** What begins with `start` in a folder. */
  names(folder: string, start: string): Promise<readonly string[]>
  glob(pattern: string): Promise<readonly string[]>
}

const placeOf = (session: Session, where: 'near' | 'far'): Place =>
  where === 'near'
    ? {
        names: async (folder, start) => localNames(absolute(folder === '' ? '.' : folder, session.here), start),
        glob: async pattern => localGlob(pattern, session.here),
      }
    : {
        names: (folder, start) => farNames(session, session.far(folder === '' ? '.' : folder), start),
        glob: async pattern => (await findFar(session, session.farPattern(pattern))).map(match => match.path),
      }

const completeName = async (place: Place, { text, open }: Word): Promise<Completion> => {
  // Of what is a pattern already it can only be shown what it would find.
  if (isPattern(text)) return { insert: '', choices: await place.glob(`${text}*`) }
  const typed = literalOf(text)
  const slash = typed.lastIndexOf('/') + 1
  const [folder, start] = [typed.slice(0, slash), typed.slice(slash)]
  const names = await place.names(folder, start)
  const rest = typedName(commonStart(names).slice(start.length), open)
  if (names.length !== 1) return { insert: rest, choices: names }
  const end = names[0].endsWith('/') ? '' : `${open ?? ''} `
  return { insert: rest + end, choices: [] }
}

/** What `line`, up to the cursor, could go on with. */
export const complete = async (session: Session, line: string): Promise<Completion> => {
  const prefix = (/^\s*[-@]*\s*/.exec(line) as RegExpExecArray)[0]
  const words = splitWords(line.slice(prefix.length), { lenient: true })
  const last = words.at(-1)
  const ended = last?.open === undefined && /(?<!\\)\s$/.test(line)
  if (last === undefined || (words.length === 1 && !ended)) return completeCommand(last?.text ?? '')
  const places = commandOf(words[0].text)?.completes ?? []
  const behind = words.slice(1).filter(word => !word.text.startsWith('-')).length + (ended ? 1 : 0)
  const where = places[behind - 1]
  if (where === undefined || behind === 0) return nothing
  try {
    return await completeName(placeOf(session, where), ended ? { text: '', start: line.length, open: undefined } : last)
  } catch {
    // What cannot be looked at has nothing to offer; a command will say why.
    return nothing
  }
}
