// Owns the command line by which a client asks for the other side of an scp: `scp -t` and `scp -f`, read without a shell.
// Knows nothing of files.
import { shellWords, type Word } from './words.ts'

export interface ScpCommand {
  /** Whose side is asked for: `sink` takes files (-t), `source` sends them (-f). */
  readonly role: 'sink' | 'source'
  readonly recursive: boolean
  readonly preserve: boolean
  /** The target must be a directory. */
  readonly directory: boolean
  readonly verbose: boolean
  readonly words: readonly Word[]
}

/** Letters a client may send; those that mean nothing to us are let through. */
const letters = /^[tfrpdvqBC1246]+$/

/** What is asked for, or `undefined` when it is something else, or only a shell could tell. */
export const parseScpCommand = (command: string): ScpCommand | undefined => {
  const words = shellWords(command)
  if (words === undefined || words.length < 3 || words[0].isPattern || !/(^|\/)scp$/.test(words[0].text)) return undefined
  let given = ''
  let at = 1
  for (; at < words.length && words[at].home === undefined && /^-./.test(words[at].text); at++) {
    const { text } = words[at]
    if (text === '--') {
      at++
      break
    }
    if (!letters.test(text.slice(1))) return undefined
    given += text.slice(1)
  }
  const rest = words.slice(at)
  const [sink, source] = [given.includes('t'), given.includes('f')]
  if (sink === source || rest.length === 0) return undefined
  return {
    role: sink ? 'sink' : 'source',
    recursive: given.includes('r'),
    preserve: given.includes('p'),
    directory: given.includes('d'),
    verbose: given.includes('v'),
    words: rest,
  }
}

/** Whether an `exec` request asks for an scp that `scpServer` can be. */
export const isScpCommand = (command: string): boolean => parseScpCommand(command) !== undefined
