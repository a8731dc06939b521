// Owns the command line behind `~C`: reading a line at the terminal and what it asks for. Knows nothing of how anything is
// forwarded.
import { spawnSync } from 'node:child_process'
import { escapeForPeople } from 'nacre'
import { askPerson } from '../terminal.ts'

/** Local, remote and dynamic forwards, by OpenSSH's letters. */
export type ForwardLetter = 'L' | 'R' | 'D'

/** What is forwarded, as a person at the terminal deals with it. */
export interface TypedForwards {
  /** Rejects with what to tell the person. */
  addForward(letter: ForwardLetter, text: string): Promise<void>
  /** False when there is no such forward. Rejects with what to tell the person. */
  cancelForward(letter: ForwardLetter, text: string): Promise<boolean>
  /** One line for each forward. */
  describe(): readonly string[]
  /** No new connections are forwarded; those that are there go on. */
  stopListening(): void
}

export interface TypedCommandParts {
  readonly forwards: TypedForwards | undefined
  /** `!command` is run here (PermitLocalCommand). */
  readonly permitLocal: boolean
  readonly say: (text: string) => void
  /** Where the line comes from. Default the terminal. */
  readonly read?: () => Promise<string | undefined>
}

const usage = (permitLocal: boolean): readonly string[] => [
  'Commands:',
  '      -L[bind_address:]port:host:hostport    forward from here to there',
  '      -R[bind_address:]port:host:hostport    forward from there to here',
  '      -D[bind_address:]port                  forward by SOCKS',
  '      -KL[bind_address:]port                 end a -L',
  '      -KR[bind_address:]port                 end a -R',
  '      -KD[bind_address:]port                 end a -D',
  ...(permitLocal ? ['      !command                               run a command here'] : []),
]

const runLocally = (command: string): void => {
  const shell = process.env.SHELL ?? '/bin/sh'
  spawnSync(shell, command === '' ? [] : ['-c', command], { stdio: 'inherit' })
}

const change = async (letter: ForwardLetter, ends: boolean, text: string, { forwards, say }: TypedCommandParts): Promise<void> => {
  if (forwards === undefined) {
    say('Nothing can be forwarded in this session.')
    return
  }
  try {
    if (!ends) {
      await forwards.addForward(letter, text)
      say('Forwarding port.')
    } else say((await forwards.cancelForward(letter, text)) ? 'Canceled forwarding.' : 'Unknown port forwarding.')
  } catch (error) {
    say(escapeForPeople(error instanceof Error ? error.message : String(error)))
  }
}

/** Reads one line and does what it says. Never rejects. */
export const typedCommandLine = async (parts: TypedCommandParts): Promise<void> => {
  const { permitLocal, say, read = () => askPerson('\r\nssh> ', { echo: true }) } = parts
  const line = (await read())?.trim().replace(/^-/, '') ?? ''
  if (line === '') return
  if (/^[hH?]/.test(line)) {
    for (const each of usage(permitLocal)) say(each)
    return
  }
  if (line.startsWith('!') && permitLocal) {
    runLocally(line.slice(1).trim())
    return
  }
  const found = /^(K?)([LRD])\s*(.+)$/.exec(line)
  if (found === null) {
    say('Invalid command.')
    return
  }
  await change(found[2] as ForwardLetter, found[1] === 'K', found[3], parts)
}
