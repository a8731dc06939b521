// Owns a small SSH server made of npm's ssh2. Takes its options as one JSON argument, prints "ready PORT", serves exec and
// shell with /bin/sh until it is killed. Knows nothing of who calls.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import ssh2, { type Authentication, type Connection, type ServerChannel } from 'ssh2'

interface Options {
  readonly user: string
  readonly hostKeys: readonly string[]
  readonly authorizedKeys: string
  readonly methods: readonly string[]
  readonly password: string
  readonly prompts: readonly { readonly prompt: string; readonly echo: boolean; readonly answer: string }[]
  readonly chain: readonly string[]
  readonly rekeyBytes: number
}
const options = JSON.parse(process.argv[2] ?? '') as Options

const authorized = readFileSync(options.authorizedKeys, 'utf8')
  .split('\n')
  .filter(line => line !== '')
  .map(line => ssh2.utils.parseKey(line))
  .flatMap(key => (key instanceof Error ? [] : [key]))

const isAuthorized = (attempt: Authentication): boolean => {
  const key = authorized.find(each => attempt.key !== undefined && each.getPublicSSH().equals(attempt.key.data))
  if (key === undefined) return false
  return attempt.signature === undefined || (attempt.blob !== undefined && key.verify(attempt.blob, attempt.signature, attempt.hashAlgo))
}

const authenticate = (connection: Connection): void => {
  const passed: string[] = []
  connection.on('authentication', attempt => {
    const open = options.chain.length > 0 ? options.chain.slice(passed.length, passed.length + 1) : options.methods
    const decide = (good: boolean): void => {
      if (!good || attempt.username !== options.user) return attempt.reject(open)
      // A query of a key proves nothing.
      if (attempt.method === 'publickey' && attempt.signature === undefined) return attempt.accept()
      passed.push(attempt.method)
      if (passed.length >= options.chain.length) attempt.accept()
      else attempt.reject(options.chain.slice(passed.length, passed.length + 1), true)
    }
    if (!open.includes(attempt.method)) return attempt.reject(open)
    if (attempt.method === 'publickey') return decide(isAuthorized(attempt))
    if (attempt.method === 'password') return decide(attempt.password === options.password)
    attempt.prompt(options.prompts, 'Questions', 'Answer these.', answers =>
      decide(answers.length === options.prompts.length && options.prompts.every((each, index) => each.answer === answers[index])),
    )
  })
}

const serve = (channel: ServerChannel, args: readonly string[]): void => {
  const child = spawn('/bin/sh', args)
  child.stdin.on('error', () => {})
  channel.on('error', () => {})
  channel.pipe(child.stdin)
  child.stdout.pipe(channel, { end: false })
  child.stderr.pipe(channel.stderr, { end: false })
  child.on('close', (code, signal) => {
    if (signal === null) channel.exit(code ?? 0)
    else channel.exit(signal.slice(3), false, '')
    channel.end()
  })
}

const server = new ssh2.Server({ hostKeys: options.hostKeys.map(path => readFileSync(path)) }, connection => {
  authenticate(connection)
  connection.on('error', error => console.error(`connection: ${error.message}`))
  connection.on('ready', () => {
    console.error('logged in')
    if (options.rekeyBytes > 0) {
      // The library starts no exchange of its own; a timer is the nearest it has to a limit.
      const timer = setInterval(() => connection.rekey(), 100)
      connection.on('close', () => clearInterval(timer))
    }
    connection.on('session', accept => {
      const session = accept()
      session.on('pty', grant => grant?.())
      session.on('window-change', grant => grant?.())
      session.on('exec', (grant, _reject, info) => serve(grant(), ['-c', info.command]))
      session.on('shell', grant => serve(grant(), []))
    })
  })
})
server.listen(0, '127.0.0.1', () => console.log(`ready ${server.address().port}`))
