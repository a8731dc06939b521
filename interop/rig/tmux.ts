// Owns a person at a terminal with a shell that has job control: a session of tmux, what is typed into it and what it shows.
// Knows nothing of SSH.
import { freshPath } from './folder.ts'
import { finish, type StartOptions, withinSeconds } from './process.ts'

export interface Seat extends AsyncDisposable {
  /** Types text as it is, control characters too. */
  type(text: string): Promise<void>
  /** All lines that were shown since the start. */
  text(): Promise<string>
  /** Waits until a text is shown. */
  shows(pattern: RegExp): Promise<string>
  resize(columns: number, rows: number): Promise<void>
  /** The shell's process. */
  readonly shell: number
}

const quoted = (words: readonly string[]): string => words.map(each => `'${each.replaceAll("'", `'\\''`)}'`).join(' ')

/** A command line that can be typed. */
export const typedLine = quoted

/** Sits down at a terminal of 100 × 30 with a shell. */
export const seat = async (options: StartOptions = {}): Promise<Seat> => {
  const socket = freshPath('tmux')
  const tmux = async (...words: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await finish(['tmux', '-S', socket, '-f', '/dev/null', ...words], options)
    if (code !== 0) throw new Error(`tmux ${words.join(' ')}: ${stderr}`)
    return stdout.toString()
  }
  // The pane stays when its shell ends, so that its last words can be read.
  await tmux(
    'new-session',
    '-d',
    '-x',
    '100',
    '-y',
    '30',
    "PS1='READY$ ' exec bash --norc --noprofile -i",
    ';',
    'set',
    '-g',
    'remain-on-exit',
    'on',
  )
  const text = async (): Promise<string> => await tmux('capture-pane', '-p', '-J', '-S', '-2000')
  const shows = async (pattern: RegExp): Promise<string> => {
    let shown = ''
    let over = false
    const look = async (): Promise<string> => {
      for (;;) {
        shown = await text()
        if (pattern.test(shown) || over) return shown
        await new Promise(resolve => setTimeout(resolve, 50))
      }
    }
    try {
      return await withinSeconds(15, look(), () => `${pattern} was not shown, but this:\n${shown.trimEnd()}`)
    } finally {
      over = true
    }
  }
  const shell = Number(await tmux('display-message', '-p', '#{pane_pid}'))
  return {
    shell,
    text,
    shows,
    type: async typed => {
      await tmux('send-keys', '-H', ...Array.from(Buffer.from(typed), byte => byte.toString(16).padStart(2, '0')))
    },
    resize: async (columns, rows) => {
      await tmux('resize-window', '-x', String(columns), '-y', String(rows))
    },
    async [Symbol.asyncDispose]() {
      await tmux('kill-server').catch(() => '')
    },
  }
}
