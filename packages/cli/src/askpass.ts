// Owns asking a person for a secret or a permission as OpenSSH's tools do: at the terminal, by the program in SSH_ASKPASS, or on
// standard input where there is neither. Knows nothing of what is asked for.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { Environment } from './environment.ts'
import { askPerson, canAskPerson } from './terminal.ts'

type Variables = Environment['variables']

/** Where systems keep the program when nobody names one. */
const usualPrograms = ['/usr/bin/ssh-askpass', '/usr/libexec/ssh-askpass', '/usr/lib/ssh/ssh-askpass', '/usr/libexec/openssh/ssh-askpass']

const programOf = (variables: Variables): string =>
  variables.SSH_ASKPASS ?? usualPrograms.find(path => existsSync(path)) ?? usualPrograms[0]

/** Whether the program may be asked, and whether it must be (ssh(1), SSH_ASKPASS_REQUIRE). */
export const askpassRule = (variables: Variables): { readonly may: boolean; readonly must: boolean } => {
  const display = (variables.DISPLAY ?? '') !== '' || (variables.WAYLAND_DISPLAY ?? '') !== ''
  const require = variables.SSH_ASKPASS_REQUIRE?.toLowerCase()
  if (require === 'force') return { may: true, must: true }
  if (require === 'never') return { may: false, must: false }
  return { may: display, must: require === 'prefer' && display }
}

const longestAnswer = 1024

/** What the program says, without its line end; `undefined` when it says nothing or ends with a failure. */
const askProgram = (prompt: string, variables: Variables, hint?: string): Promise<string | undefined> =>
  new Promise(resolve => {
    const env = { ...variables, ...(hint === undefined ? {} : { SSH_ASKPASS_PROMPT: hint }) }
    const child = spawn(programOf(variables), [prompt], { env, stdio: ['ignore', 'pipe', 'inherit'] })
    let said = ''
    child.stdout.setEncoding('utf8')
    child.stdout.on('data', (text: string) => {
      if (said.length < longestAnswer) said += text
    })
    child.on('error', () => resolve(undefined))
    child.on('close', code => resolve(code === 0 ? said.split(/[\r\n]/)[0] : undefined))
  })

/** The rest of a stream's lines, one for each question. */
const lines = new WeakMap<NodeJS.ReadableStream, { held: string; ended: boolean }>()

/** The next line of standard input; `undefined` at its end. Keeps what it read too much, so that the next question finds the next line. */
export const nextLine = async (stdin: NodeJS.ReadableStream): Promise<string | undefined> => {
  const state = lines.get(stdin) ?? { held: '', ended: false }
  lines.set(stdin, state)
  while (!state.held.includes('\n') && !state.ended) {
    await new Promise<void>(resolve => {
      const done = (): void => {
        stdin.off('readable', more)
        stdin.off('end', end)
        stdin.off('error', end)
        resolve()
      }
      const more = (): void => {
        const piece = stdin.read() as string | Uint8Array | null
        if (piece === null) return
        state.held += typeof piece === 'string' ? piece : new TextDecoder().decode(piece)
        done()
      }
      const end = (): void => {
        state.ended = true
        done()
      }
      stdin.on('readable', more)
      stdin.on('end', end)
      stdin.on('error', end)
    })
  }
  if (state.held === '') return undefined
  const [line, ...others] = state.held.split('\n')
  state.held = others.join('\n')
  return line.replace(/\r$/, '')
}

/** Asks a person one thing; `undefined` when they say nothing, or nobody is there after all. */
export type Asker = (prompt: string, options: { readonly echo: boolean }) => Promise<string | undefined>

/**
 * How a person can be asked while standard input is for others: at the terminal, by the program where there is none or it goes
 * first. `undefined` when nobody can be: then nothing waits for an answer that never comes.
 */
export const askerFor = (variables: Variables): Asker | undefined => {
  const { may, must } = askpassRule(variables)
  const program: Asker = prompt => askProgram(prompt, variables)
  if (may && must) return program
  if (canAskPerson()) return askPerson
  return may ? program : undefined
}

/** A secret for `prompt`; '' when there is nobody to ask or nothing was said. */
export const askPassphrase = async (prompt: string, environment: Environment): Promise<string> => {
  const { may, must } = askpassRule(environment.variables)
  if (may && (must || environment.stdin.isTTY !== true)) return (await askProgram(prompt, environment.variables)) ?? ''
  if (canAskPerson()) return (await askPerson(prompt, { echo: false })) ?? ''
  environment.stderr.write(prompt)
  return (await nextLine(environment.stdin)) ?? ''
}

/** Whether the person says yes, by the program alone: whoever asks has no terminal. Without a program, no. */
export const askPermission = async (prompt: string, variables: Variables): Promise<boolean> => {
  if (!askpassRule(variables).may) return false
  const said = await askProgram(prompt, variables, 'confirm')
  return said !== undefined && (said === '' || said.toLowerCase() === 'yes')
}
