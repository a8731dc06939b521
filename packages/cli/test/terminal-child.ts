// Run by terminal.test.ts on a terminal of its own: does one thing with it and says what came of it.
import { writeSync } from 'node:fs'
import { processEnvironment } from '../src/environment.ts'
import { askPerson, canAskPerson, LocalTerminal } from '../src/terminal.ts'

const say = (value: unknown): void => void writeSync(1, `\n=${JSON.stringify(value)}\n`)
const terminal = new LocalTerminal(processEnvironment('test'))

const acts: Readonly<Record<string, () => void | Promise<void>>> = {
  request: () => say(terminal.request()),
  session: () =>
    new Promise(resolve => {
      const taken = terminal.enter(size => say(size))
      let typed = ''
      process.stdin.on('data', (chunk: Buffer) => {
        typed += chunk.toString('latin1')
        if (!typed.endsWith('q')) return
        taken.restore()
        taken.restore()
        say(typed)
        process.stdin.destroy()
        resolve()
      })
      writeSync(1, 'ready a\nb')
    }),
  throws: () => {
    terminal.enter(() => {})
    throw new Error('in the middle')
  },
  waits: () => {
    terminal.enter(() => {})
    process.stdin.resume()
    writeSync(1, 'ready')
  },
  secret: async () => say(await askPerson('Password\x1b[31m: ', { echo: false })),
  question: async () => say(await askPerson('Name: ', { echo: true })),
  listening: async () => {
    process.on('SIGINT', () => say('heard'))
    say([await askPerson('Password: ', { echo: false })])
  },
  can: () => say(canAskPerson()),
}
await acts[process.argv[2]]()
