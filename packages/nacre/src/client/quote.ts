// Owns quoting a list of arguments into one line for a POSIX shell. Knows nothing of what the command does.

/** One argument, quoted only if it needs to be. Throws `TypeError` for NUL, which no argument can hold. */
const quoteOne = (argument: string): string => {
  if (argument.includes('\0')) throw new TypeError('an argument cannot hold a NUL byte')
  if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(argument)) return argument
  return `'${argument.replaceAll("'", `'\\''`)}'`
}

/** The arguments as one line that a POSIX shell splits into exactly these again. */
export const quote = (command: readonly string[]): string => command.map(quoteOne).join(' ')
