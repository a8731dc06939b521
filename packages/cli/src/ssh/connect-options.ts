// Owns turning what ssh_config says into options of `connect`, and the questions a person is asked. Knows nothing of
// sessions.
import { type ConfiguredOptions, type Destination, escapeForPeople } from 'nacre'
import { askerFor, askPermission } from '../askpass.ts'
import type { Environment } from '../environment.ts'
import { type Log, traceTo } from './log.ts'
import { narrate, narrateConfig, narrateStep } from './narration.ts'
import type { SshCommand, SshConfig } from './options.ts'
import { hostKeyTalk, weakCryptoWarning } from './host-keys.ts'
import { prompting } from './questions.ts'

/** Distributions turn GSS-API on for everybody, so that it is missing is told to those alone who want to know more. */
const tellOfGssapi = ({ decidedBy, config }: SshConfig, log: Log): void => {
  const words = decidedBy.get('gssapiauthentication')?.at(-1)?.words ?? []
  const named = config.preferredAuthentications?.some(each => each.startsWith('gssapi')) === true
  if (named || words[0]?.toLowerCase() === 'yes') log.debug('GSSAPIAuthentication is not in effect: there is no mechanism of GSS-API here.')
}

/** Where to connect and with which options; `signal` ends it, `prefix` stands in front of what is told of it step by step. What ssh_config says, `connect` takes from the settings. */
export const connectOptions = (
  command: SshCommand,
  settings: SshConfig,
  environment: Environment,
  log: Log,
  signal: AbortSignal,
  prefix = '',
): { destination: Destination; options: ConfiguredOptions } => {
  const { config } = settings
  const typed = command.destination?.host ?? ''
  const ask = config.batchMode ? undefined : askerFor(environment.variables)
  const trace = traceTo(log)
  tellOfGssapi(settings, log)
  narrateConfig(log, settings, prefix)
  const options: ConfiguredOptions = {
    config: settings,
    signal,
    algorithms: { compression: config.compression ? ['zlib@openssh.com', 'zlib', 'none'] : ['none'] },
    limits: { maximumChannels: mostChannels, maximumPendingOpens: mostChannels },
    minimumRsaBits: Math.max(leastRsaBits, config.requiredRsaSize),
    ...(environment.variables.SSH_AUTH_SOCK === undefined || settings.given.has('identityAgent')
      ? {}
      : { agent: environment.variables.SSH_AUTH_SOCK }),
    ...hostKeyTalk(settings, ask, log, prefix),
    onNote: note => log.debug(`${prefix}${note}`),
    onBanner: message => log.say('INFO', escapeForPeople(message, { lines: true, limit: 65536 }).replace(/\n$/, '')),
    onStep: step => narrateStep(log, step, prefix),
    onProgress(event) {
      narrate(log, event, prefix)
      if (event.is !== 'exchanged' || !event.first || !config.warnWeakCrypto || settings.given.has('kexAlgorithms')) return
      const warning = weakCryptoWarning(event.agreed.kex)
      if (warning !== undefined) log.say('INFO', warning)
    },
    ...(trace === undefined ? {} : { trace }),
    ...(ask === undefined ? {} : prompting(`${config.user}@${typed}`, ask)),
    ...(config.batchMode ? {} : { askToAddKey: question => askPermission(question, environment.variables) }),
  }
  return { destination: { host: typed }, options }
}

const leastRsaBits = 1024
/** As many as OpenSSH has: each forwarded connection is one. */
const mostChannels = 16 * 1024
