// Owns the list of commands: one row each. The help prints it, the bundler makes a bundle per row, and a link with the
// row's name starts that command. Knows nothing of what a command does.

/** A row of the table of commands. */
export interface Command {
  /** What the person types after `nacre`, and the name of the bundle. */
  readonly name: string
  /** One line for the help. */
  readonly summary: string
  /** The module under `src/` that exports `run(argv, environment)`. */
  readonly entry: string
  /** Bundled as one file: it may live on while a newer version is installed over it, and could not load the rest of itself. */
  readonly whole?: true
}

export const commands: readonly Command[] = [
  { name: 'ssh', summary: 'log in to another machine, or run a command there', entry: 'commands/ssh.ts' },
  { name: 'scp', summary: 'copy files between machines', entry: 'commands/scp.ts' },
  { name: 'sftp', summary: 'move and change files on another machine, by commands', entry: 'commands/sftp.ts' },
  { name: 'sshd', summary: 'let others log in to this machine', entry: 'commands/sshd.ts', whole: true },
  { name: 'sftp-server', summary: 'serve files to whoever starts it, mostly sshd', entry: 'commands/sftp-server.ts' },
  { name: 'ssh-copy-id', summary: 'let keys of yours log in to another machine', entry: 'commands/ssh-copy-id.ts' },
  { name: 'ssh-keygen', summary: 'make, show, convert and look after keys', entry: 'commands/ssh-keygen.ts' },
  { name: 'ssh-keyscan', summary: 'collect the host keys of servers', entry: 'commands/ssh-keyscan.ts' },
  { name: 'ssh-agent', summary: 'hold private keys and sign with them for other programs', entry: 'commands/ssh-agent.ts', whole: true },
  { name: 'ssh-add', summary: 'give keys to the agent, list and remove them', entry: 'commands/ssh-add.ts' },
  { name: 'why', summary: 'say who may log in to this machine, and which line decides', entry: 'commands/why.ts' },
  { name: 'help', summary: 'list the commands, or explain one', entry: 'commands/help.ts' },
  { name: 'version', summary: 'print the version of nacre and of its runtime', entry: 'commands/version.ts' },
]
