// Owns the lines `ssh-agent` prints for a shell to evaluate. Knows nothing of sockets.

/** A word that sh and csh read as it is. */
const quoted = (word: string): string => (/^[\w@%+=:,./~-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)

/** Lines that set what clients find the agent by; without `pid` that it is told of only. */
export const startLines = (path: string, pid: number, options: { readonly csh: boolean; readonly exportPid: boolean }): string => {
  const set = (name: string, value: string): string =>
    options.csh ? `setenv ${name} ${quoted(value)};\n` : `${name}=${quoted(value)}; export ${name};\n`
  return `${set('SSH_AUTH_SOCK', path)}${options.exportPid ? set('SSH_AGENT_PID', String(pid)) : ''}echo Agent pid ${pid};\n`
}

/** Lines that forget an agent that was ended. */
export const endLines = (pid: number, csh: boolean): string => {
  const forget = csh ? 'unsetenv' : 'unset'
  return `${forget} SSH_AUTH_SOCK;\n${forget} SSH_AGENT_PID;\necho Agent pid ${pid} killed;\n`
}
