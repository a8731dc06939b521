// Owns what a command may know of the process it runs in, so that tests can give it another one. Knows nothing of the
// commands. The streams are getters: standard input is not touched before a command asks for it.

/** The outside world as a command sees it. */
export interface Environment {
  /** The name to put in front of messages: `ssh`, `sshd`, … */
  readonly program: string
  readonly variables: Readonly<Record<string, string | undefined>>
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean }
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean }
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean }
}

/** What every module under `commands/` exports: runs to the end and gives the exit code. */
export type Run = (argv: readonly string[], environment: Environment) => Promise<number>

/** The real process. */
export const processEnvironment = (program: string): Environment => ({
  program,
  variables: process.env,
  get stdin() {
    return process.stdin
  },
  get stdout() {
    return process.stdout
  },
  get stderr() {
    return process.stderr
  },
})
