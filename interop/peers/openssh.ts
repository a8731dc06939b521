// Owns starting OpenSSH's sshd and ssh. Knows nothing of what the tests want from them.
import { freshFile } from '../rig/folder.ts'
import { hostKey, soundKinds } from '../rig/keys.ts'
import { answering, freePort } from '../rig/port.ts'
import { finish, start } from '../rig/process.ts'
import { world } from '../rig/world.ts'
import type { ClientPeer, ClientRequest, Login, PeerServer, Prepared, ServerOptions } from './peer.ts'

export interface OpenSshServerOptions extends ServerOptions {
  /** Lines of sshd_config; they stand first, and sshd takes the first value. */
  readonly config?: readonly string[]
  /** Lines that stand last: blocks. */
  readonly blocks?: readonly string[]
  /** A command of the shell that runs before the server, where its mounts are. */
  readonly before?: string
  /** Let PAM ask: the only way to get keyboard-interactive from sshd. */
  readonly pam?: boolean
}

/** A sshd_config for these options. */
export const serverConfig = (options: OpenSshServerOptions, port: number): string => {
  const { accepts } = options
  const keys = freshFile('authorized_keys', (accepts.keys ?? []).map(key => `${key.line}\n`).join(''), 0o644)
  const lines = [
    ...(options.config ?? []),
    ...(accepts.chain === undefined ? [] : [`AuthenticationMethods ${accepts.chain.join(',')}`]),
    ...(options.rekeyBytes === undefined ? [] : [`RekeyLimit ${options.rekeyBytes}`]),
    'ListenAddress 127.0.0.1',
    `Port ${port}`,
    ...(options.hostKeys ?? soundKinds.map(kind => hostKey(kind))).map(key => `HostKey ${key.path}`),
    `AuthorizedKeysFile ${keys}`,
    'PidFile none',
    'StrictModes no',
    `UsePAM ${options.pam === true ? 'yes' : 'no'}`,
    `PubkeyAuthentication ${accepts.keys === undefined ? 'no' : 'yes'}`,
    `PasswordAuthentication ${accepts.password === undefined ? 'no' : 'yes'}`,
    `KbdInteractiveAuthentication ${accepts.prompts === undefined ? 'no' : 'yes'}`,
    'PermitRootLogin yes',
    'PrintMotd no',
    'PrintLastLog no',
    'AcceptEnv LANG NACRE_*',
    // The last one holds, not the first.
    ...((options.config ?? []).some(line => line.startsWith('MaxStartups ')) ? [] : ['MaxStartups 300']),
    'MaxSessions 300',
    'LogLevel DEBUG1',
    // Once and no more, or it does not start.
    ...((options.config ?? []).some(line => line.startsWith('Subsystem sftp ')) ? [] : ['Subsystem sftp /usr/lib/openssh/sftp-server']),
    ...(options.blocks ?? []),
  ]
  return `${lines.join('\n')}\n`
}

/** Starts OpenSSH's sshd in the world of the tests. Its password is the one of the world's user. */
export const openSshServer = (options: OpenSshServerOptions): Promise<PeerServer> => sshdServer('OpenSSH sshd', ['/usr/sbin/sshd'], options)

/** Starts an sshd that understands OpenSSH's options and configuration, in the foreground. */
export const sshdServer = async (name: string, program: readonly string[], options: OpenSshServerOptions): Promise<PeerServer> => {
  const port = await freePort()
  const config = freshFile('sshd_config', serverConfig(options, port), 0o644)
  const before = options.before === undefined ? [] : ['sh', '-c', `${options.before} && exec "$@"`, 'sh']
  const running = await start(world().enter([...before, ...program, '-D', '-e', '-f', config]), { name, logStdout: true })
  try {
    await answering(port, running)
  } catch (error) {
    await running[Symbol.asyncDispose]()
    throw error
  }
  return {
    name,
    process: running,
    to: {
      host: '127.0.0.1',
      port,
      user: world().user,
      hostKeys: (options.hostKeys ?? soundKinds.map(kind => hostKey(kind))).map(key => key.line),
    },
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  }
}

/** A program for `SSH_ASKPASS` that tells passphrases, passwords and prompts apart by the words of ssh. */
export const askpass = (login: Login): Record<string, string> => {
  const count = freshFile('askpass', '0\n')
  const say = (text: string | undefined): string => (text === undefined ? 'exit 1' : `exec cat ${freshFile('answer', `${text}\n`)}`)
  const answers = (login.answers ?? []).map((answer, index) => `  ${index + 1}) ${say(answer)} ;;`)
  const script = freshFile(
    'askpass.sh',
    `#!/bin/sh
case "$1" in
  'Enter passphrase for key'*) ${say(login.key?.passphrase)} ;;
  *"'s password:"*) ${say(login.password)} ;;
esac
n=$(( $(cat ${count}) + 1 ))
echo $n > ${count}
case $n in
${answers.join('\n')}
  *) exit 1 ;;
esac
`,
    0o700,
  )
  return { SSH_ASKPASS: script, SSH_ASKPASS_REQUIRE: 'force', DISPLAY: 'none' }
}

/** Why sshd gives no terminals here, or `false`: it must be able to give them to the group `tty`. */
export const needsRootForTerminals = (): string | false => (world().privileged ? false : 'sshd gives terminals only when it runs as root')

/** The command line of OpenSSH's client for a request, for tests that want to hold the process themselves. */
export const openSshCommand = (request: ClientRequest): Prepared => sshCommand('OpenSSH ssh', ['ssh'], request)

/** The command line of a client that understands OpenSSH's options. */
export const sshCommand = (name: string, program: readonly string[], request: ClientRequest): Prepared => {
  const { to, login } = request
  const known = freshFile('known_hosts', to.hostKeys.map(line => `[${to.host}]:${to.port} ${line}\n`).join(''))
  const methods = [
    ...(login.key === undefined ? [] : ['publickey']),
    ...(login.answers === undefined ? [] : ['keyboard-interactive']),
    ...(login.password === undefined ? [] : ['password']),
  ]
  const settings = [
    ...(request.options ?? []),
    `PreferredAuthentications=${methods.join(',') || 'none'}`,
    `UserKnownHostsFile=${known}`,
    'GlobalKnownHostsFile=/dev/null',
    'StrictHostKeyChecking=yes',
    'IdentitiesOnly=yes',
    `IdentityFile=${login.key?.path ?? 'none'}`,
    'NumberOfPasswordPrompts=1',
    'ConnectTimeout=20',
    'LogLevel=INFO',
    ...(request.rekeyBytes === undefined ? [] : [`RekeyLimit=${request.rekeyBytes}`]),
  ]
  return {
    command: [
      ...program,
      '-F',
      'none',
      ...settings.flatMap(setting => (setting.startsWith('-') ? [setting] : ['-o', setting])),
      ...(request.pty === true ? ['-tt'] : []),
      '-p',
      String(to.port),
      `${to.user}@${to.host}`,
      ...(request.command === undefined ? [] : [request.command]),
    ],
    options: { name, env: askpass(login) },
  }
}

/** OpenSSH's client. */
export const openSshClient: ClientPeer = {
  name: 'OpenSSH ssh',
  run: request => {
    const { command, options } = openSshCommand(request)
    return finish(command, {
      ...options,
      stdin: request.stdin ?? '',
      ...(request.seconds === undefined ? {} : { seconds: request.seconds }),
    })
  },
}

/** The names OpenSSH knows of a kind (`ssh -Q`), so that a matrix asks only for what both ends have. */
export const openSshKnows = async (what: 'kex' | 'cipher' | 'mac' | 'HostKeyAlgorithms'): Promise<ReadonlySet<string>> =>
  new Set((await finish(['ssh', '-Q', what])).stdout.toString().trim().split('\n'))
