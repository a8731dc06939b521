// Owns turning what ssh_config says into options of `connect`, and the questions a person is asked. Knows nothing of
// sessions.
import { hostname, userInfo } from 'node:os'
import { type ConfiguredOptions, type Destination, escapeForPeople, type PresentedHostKey, Secret, SshError } from 'nacre'
import type { Environment } from '../environment.ts'
import { askPerson, canAskPerson } from '../terminal.ts'
import { type Log, narrate, traceTo } from './log.ts'
import { expandPath, expandTokens, type SshCommand, type SshConfig } from './options.ts'

const milliseconds = (seconds: number): number => seconds * 1000

/** ssh_config knows `*` in no algorithm list but `-`; the library reads the same notation. */
const algorithms = (config: SshConfig['config']): NonNullable<ConfiguredOptions['algorithms']> => ({
  ...(config.kexAlgorithms === undefined ? {} : { kex: config.kexAlgorithms }),
  ...(config.hostKeyAlgorithms === undefined ? {} : { hostKey: config.hostKeyAlgorithms }),
  ...(config.ciphers === undefined ? {} : { ciphers: config.ciphers }),
  ...(config.macs === undefined ? {} : { macs: config.macs }),
  ...(config.pubkeyAcceptedAlgorithms === undefined ? {} : { publicKeyAccepted: config.pubkeyAcceptedAlgorithms }),
  compression: config.compression ? ['zlib@openssh.com', 'zlib', 'none'] : ['none'],
})

const preferredMethods = (config: SshConfig['config']): readonly string[] =>
  (config.preferredAuthentications ?? ['publickey', 'keyboard-interactive', 'password']).filter(
    method =>
      (method === 'publickey' && config.pubkeyAuthentication) ||
      (method === 'keyboard-interactive' && config.kbdInteractiveAuthentication) ||
      (method === 'password' && config.passwordAuthentication),
  )

const askAboutHost = async (presented: PresentedHostKey): Promise<boolean> => {
  const name = presented.port === 22 ? presented.host : `[${presented.host}]:${presented.port}`
  let prompt =
    `The authenticity of host '${name}${presented.address === undefined ? '' : ` (${presented.address})`}' can't be established.\n` +
    `Its ${presented.key.type} key fingerprint is ${presented.fingerprint}.\n` +
    `Are you sure you want to continue connecting (yes/no/[fingerprint])? `
  for (;;) {
    const answer = (await askPerson(prompt, { echo: true }))?.trim()
    if (answer === undefined || answer === 'no') return false
    if (answer === 'yes' || answer === presented.fingerprint) return true
    prompt = "Please type 'yes', 'no' or the fingerprint: "
  }
}

/** Where to connect and with which options; `signal` ends it. */
export const connectOptions = (
  command: SshCommand,
  settings: SshConfig,
  environment: Environment,
  log: Log,
  signal: AbortSignal,
): { destination: Destination; options: ConfiguredOptions } => {
  const { config } = settings
  const typed = command.destination?.host ?? ''
  const host = config.hostName === undefined ? typed : expandTokens(config.hostName, { h: typed })
  const user = config.user ?? userInfo().username
  const tokens = {
    d: userInfo().homedir,
    h: host,
    i: String(process.getuid?.() ?? ''),
    L: hostname().split('.')[0],
    l: hostname(),
    n: typed,
    p: String(config.port),
    r: user,
    u: userInfo().username,
  }
  const interactive = !config.batchMode && canAskPerson()
  const who = `${user}@${typed}`
  const agent =
    config.identityAgent === undefined || config.identityAgent === 'SSH_AUTH_SOCK'
      ? environment.variables.SSH_AUTH_SOCK
      : config.identityAgent === 'none'
        ? undefined
        : expandPath(config.identityAgent, tokens)
  const identityFiles = config.identityFile.map(path => expandPath(path, tokens))
  const trace = traceTo(log)
  const options: ConfiguredOptions = {
    user,
    port: config.port,
    signal,
    algorithms: algorithms(config),
    preferred: preferredMethods(config),
    passwordPrompts: config.numberOfPasswordPrompts,
    agent: agent ?? false,
    identitiesOnly: config.identitiesOnly,
    ...(identityFiles.length === 0 ? {} : { identityFiles }),
    knownHostsFiles: [...config.userKnownHostsFile, ...config.globalKnownHostsFile]
      .filter(path => path !== 'none')
      .map(path => expandPath(path, tokens)),
    // `no` still refuses a key that changed: whoever wants that gone removes the line.
    strictHostKeyChecking: config.strictHostKeyChecking === 'yes' || config.strictHostKeyChecking === 'ask' ? 'yes' : 'accept-new',
    ...(config.strictHostKeyChecking === 'ask' && interactive ? { askHostKey: askAboutHost } : {}),
    hashKnownHosts: config.hashKnownHosts,
    ...(config.hostKeyAlias === undefined ? {} : { hostKeyAlias: config.hostKeyAlias }),
    minimumRsaBits: config.requiredRsaSize,
    rekey: {
      ...(config.rekeyLimit.bytes === undefined ? {} : { bytes: config.rekeyLimit.bytes }),
      ...(config.rekeyLimit.seconds === undefined ? {} : { milliseconds: milliseconds(config.rekeyLimit.seconds) }),
    },
    ...(settings.given.has('serverAliveInterval')
      ? {
          keepalive:
            config.serverAliveInterval === 0
              ? false
              : { milliseconds: milliseconds(config.serverAliveInterval), maximumUnanswered: config.serverAliveCountMax },
        }
      : {}),
    ...(config.connectTimeout === 'none'
      ? {}
      : { connectTimeout: milliseconds(config.connectTimeout), deadlines: { handshake: milliseconds(config.connectTimeout) } }),
    family: config.addressFamily === 'inet' ? 4 : config.addressFamily === 'inet6' ? 6 : 0,
    ...(config.bindAddress === undefined ? {} : { localAddress: config.bindAddress }),
    keepAlive: config.tcpKeepAlive,
    onNote: note => log.debug(note),
    onRemembered: (presented, file) =>
      log.say(
        'INFO',
        `Warning: Permanently added '${presented.port === 22 ? presented.host : `[${presented.host}]:${presented.port}`}' (${presented.key.type}) to ${file}.`,
      ),
    onBanner: message => log.say('INFO', escapeForPeople(message, { lines: true, limit: 65536 }).replace(/\n$/, '')),
    onProgress: event => narrate(log, event),
    ...(trace === undefined ? {} : { trace }),
    ...(interactive ? prompting(who) : {}),
  }
  return { destination: { host, port: config.port, user }, options }
}

/** What a person is asked; texts of the server are escaped and marked as such. */
const prompting = (who: string): Pick<ConfiguredOptions, 'passphrase' | 'password' | 'answer' | 'newPassword'> => ({
  passphrase: path => askPerson(`Enter passphrase for key '${path}': `, { echo: false }),
  password: () => askPerson(`${who}'s password: `, { echo: false }),
  async answer({ name, instruction, prompts }) {
    const heading = [name, instruction].filter(each => each !== '').map(each => escapeForPeople(each, { lines: true }))
    const answers: string[] = []
    for (const [index, { prompt, echo }] of prompts.entries()) {
      const before = index === 0 && heading.length > 0 ? `(${who}) ${heading.join('\n')}\n` : ''
      const answer = await askPerson(`${before}(${who}) ${escapeForPeople(prompt)}`, { echo })
      if (answer === undefined) return undefined
      answers.push(answer)
    }
    return answers
  },
  async newPassword({ prompt }) {
    const first = await askPerson(`${escapeForPeople(prompt, { lines: true })}\nEnter ${who}'s new password: `, { echo: false })
    if (first === undefined) return undefined
    const second = await askPerson(`Retype ${who}'s new password: `, { echo: false })
    if (first !== second) throw new SshError('PASSWORDS_DIFFER', 'The two new passwords are not the same; nothing was changed.')
    return new Secret(first)
  },
})
