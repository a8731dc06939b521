// Owns a small SSH client made of npm's ssh2. Takes its options as one JSON argument, runs one command with its own standard
// streams and ends with the command's status, or 255 for its own errors. Knows nothing of who serves.
import { readFileSync } from 'node:fs'
import ssh2, { type ClientChannel } from 'ssh2'

interface Options {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly hostKeys: readonly string[]
  readonly key: string
  readonly passphrase: string
  readonly password: string
  readonly answers: readonly string[]
  readonly command: string
  readonly pty: boolean
  readonly rekeyBytes: number
}
const options = JSON.parse(process.argv[2] ?? '') as Options
const trusted = options.hostKeys.map(line => Buffer.from(line.split(' ')[1] ?? '', 'base64'))

const fail = (error: Error): never => {
  console.error(`${error.name}: ${error.message}`)
  process.exit(255)
}

const client = new ssh2.Client()

const use = (error: Error | undefined, channel: ClientChannel): void => {
  if (error !== undefined) fail(error)
  let status = 253
  channel.on('exit', (code: number | null, signal?: string) => {
    if (code === null) console.error(`ended by signal ${signal ?? ''}`)
    status = code ?? 254
  })
  channel.pipe(process.stdout)
  channel.stderr.pipe(process.stderr)
  process.stdin.pipe(channel)
  channel.on('close', () => {
    client.end()
    process.exitCode = status
    process.stdin.destroy()
  })
}

const left = [...options.answers]
client.on('error', fail)
client.on('keyboard-interactive', (_name, _instructions, _language, prompts, finish) => finish(prompts.map(() => left.shift() ?? '')))
client.on('ready', () => {
  // The library starts no exchange of its own; a timer is the nearest it has to a limit.
  if (options.rekeyBytes > 0) setInterval(() => client._protocol.rekey(), 100).unref()
  const window = { term: 'xterm-256color', cols: 132, rows: 43 }
  if (options.command === '') client.shell(options.pty ? window : false, use)
  else client.exec(options.command, options.pty ? { pty: window } : {}, use)
})
client.connect({
  host: options.host,
  port: options.port,
  username: options.user,
  hostVerifier: key => trusted.some(each => each.equals(key)),
  readyTimeout: 20_000,
  // Its own order tries passwords first and never comes back to them.
  authHandler: ['publickey', 'keyboard-interactive', 'password'],
  tryKeyboard: options.answers.length > 0,
  ...(options.key === '' ? {} : { privateKey: readFileSync(options.key) }),
  ...(options.passphrase === '' ? {} : { passphrase: options.passphrase }),
  ...(options.password === '' ? {} : { password: options.password }),
})
