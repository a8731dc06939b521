// Owns asking xauth(1) what an X server wants to be shown: a cookie that is there, or one made for programs that are not trusted. Knows
// nothing of sessions.
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { escapeForPeople, ForwardError } from '../errors.ts'
import { parseX11Display } from '../forward/x11-display.ts'
import type { X11Authentication } from '../forward/x11-setup.ts'

export interface X11AuthenticationOptions {
  /** The program. Default `/usr/bin/xauth`. */
  readonly xauth?: string
  /**
   * False has the X server make a cookie whose holders are kept from other windows (X11 SECURITY extension). Default true: the
   * cookie that is there, whose holders may do whatever programs here may.
   */
  readonly trusted?: boolean
  /** Milliseconds after which the X server is to forget an untrusted cookie that nobody uses. Default: its own time, a minute. */
  readonly timeout?: number
}

const usualProgram = '/usr/bin/xauth'
const patience = 10_000
/** What is added to the time, so that we are the first who refuse; as OpenSSH. */
const slackSeconds = 60
const protocol = 'MIT-MAGIC-COOKIE-1'

type Outcome = { readonly output: string } | { readonly missing: boolean; readonly why: string }

const runXauth = (program: string, words: readonly string[]): Promise<Outcome> =>
  new Promise(resolve => {
    const child = execFile(program, words, { timeout: patience, maxBuffer: 1024 * 1024 }, (error, stdout, stderr) => {
      if (error === null) resolve({ output: stdout })
      else
        resolve({ missing: ['ENOENT', 'EACCES'].includes(String(error.code)), why: stderr.trim() === '' ? error.message : stderr.trim() })
    })
    child.stdin?.end()
  })

/** The first line of `xauth list`: a name, a protocol, hexadecimal digits. */
export const parseXauthList = (text: string): X11Authentication | undefined => {
  const found = /^\S+\s+(\S{1,256})\s+((?:[0-9a-fA-F]{2}){1,4096})\s*$/m.exec(text)
  if (found === null) return undefined
  const [, name, digits] = found
  return {
    protocol: name,
    data: Uint8Array.from({ length: digits.length / 2 }, (_, at) => Number.parseInt(digits.slice(2 * at, 2 * at + 2), 16)),
  }
}

const refused = (text: string): ForwardError => new ForwardError('FORWARD_REFUSED', text)

const untrusted = async (program: string, name: string, timeout: number | undefined): Promise<X11Authentication> => {
  const folder = mkdtempSync(join(tmpdir(), 'nacre-xauth-'))
  const file = join(folder, 'xauthfile')
  try {
    const words = ['-f', file, 'generate', name, protocol, 'untrusted']
    const made = await runXauth(
      program,
      timeout === undefined ? words : [...words, 'timeout', String(Math.ceil(timeout / 1000) + slackSeconds)],
    )
    const listed = 'why' in made ? made : await runXauth(program, ['-f', file, 'list', name])
    if ('why' in listed) {
      throw refused(
        listed.missing
          ? `Untrusted X11 forwarding needs xauth, and there is no ${program}: install xauth, or say in XAuthLocation where it is.`
          : `Untrusted X11 forwarding: ${program} got no cookie of the X server: ${escapeForPeople(listed.why, { limit: 300 })} It may be without the SECURITY extension; -Y forwards X11 trusted.`,
      )
    }
    const found = parseXauthList(listed.output)
    if (found === undefined) throw refused(`Untrusted X11 forwarding: ${program} got no cookie of the X server; -Y forwards X11 trusted.`)
    return found
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/**
 * What the X server at `display` wants to be shown; `undefined` when nothing is known that it would, which it may do without. Rejects
 * with `ForwardError` FORWARD_REFUSED when `display` is none, or an untrusted cookie cannot be had.
 */
export const x11Authentication = async (
  display: string,
  options: X11AuthenticationOptions = {},
): Promise<X11Authentication | undefined> => {
  const { xauth: program = usualProgram, trusted = true, timeout } = options
  const { authorityName } = parseX11Display(display)
  if (!trusted) return await untrusted(program, authorityName, timeout)
  const listed = await runXauth(program, ['list', authorityName])
  return 'output' in listed ? parseXauthList(listed.output) : undefined
}
