// Owns what `ssh` says and asks about host keys: the question for an unknown one, yes or no for others, pictures and warnings.
// Knows nothing of what decides.
import { type ConfiguredOptions, escapeForPeople, hostKeyAlarm, type KnownHostKey, type PresentedHostKey, type UnknownHostKey } from 'nacre'
import { type FingerprintHash, fingerprintHashNamed, type PublicKey, randomArt, shortTypeName } from 'nacre/keys'
import type { Asker } from '../askpass.ts'
import type { Log } from './log.ts'
import type { SshConfig } from './options.ts'

/** `host`, or `[host]:port` where the port is not the usual one: how known_hosts names it. */
const shownHost = ({ host, port }: PresentedHostKey): string => (port === 22 ? host : `[${host}]:${port}`)

interface Look {
  readonly hash: FingerprintHash
  readonly picture: boolean
}

const mostNames = 8

const otherNames = ({ otherNames: names }: UnknownHostKey): readonly string[] => {
  if (names.length === 0) return ['This key is not known by any other name.']
  const shown = names.slice(0, mostNames).map(({ file, line, names: who }) => `    ${escapeForPeople(`${file}:${line}: ${who}`)}`)
  const more = names.length > mostNames ? [`    (${names.length - mostNames} more)`] : []
  return ['This key is known by other names, too:', ...shown, ...more]
}

const picture = (key: PublicKey, { hash, picture: wanted }: Look): readonly string[] => (wanted ? [randomArt(key, hash)] : [])

/** What a person reads before deciding about an unknown host. */
export const unknownHostQuestion = (unknown: UnknownHostKey, look: Look): string => {
  const { key, address, dns } = unknown
  return [
    `The authenticity of host '${escapeForPeople(shownHost(unknown))}${address === undefined ? '' : ` (${address})`}' can't be established.`,
    `${shortTypeName(key.type)} key fingerprint is: ${key.fingerprint(look.hash)}`,
    ...picture(key, look),
    ...(dns === undefined ? [] : [`${dns === 'matching' ? 'A matching' : 'No matching'} host key fingerprint was found in DNS.`]),
    ...otherNames(unknown),
    'Are you sure you want to continue connecting (yes/no/[fingerprint])? ',
  ].join('\n')
}

/** A program that answers for a person may say the same for ever. */
const mostAnswers = 20

/** True for `yes` or the fingerprint; nothing typed is a no, and anything else is asked about again. */
export const confirmed = async (question: string, fingerprint: string | undefined, ask: Asker): Promise<boolean> => {
  let prompt = question
  for (let answers = 0; answers < mostAnswers; answers++) {
    const answer = (await ask(prompt, { echo: true }))?.trim()
    if (answer === undefined || answer === '' || answer.toLowerCase() === 'no') return false
    if (answer.toLowerCase() === 'yes' || answer === fingerprint) return true
    prompt = fingerprint === undefined ? "Please type 'yes' or 'no': " : "Please type 'yes', 'no' or the fingerprint: "
  }
  return false
}

const known = (host: KnownHostKey, look: Look, log: Log, prefix: string): void => {
  log.debug(`${prefix}the host is known by ${escapeForPeople(host.file)} line ${host.line}`)
  if (look.picture) log.say('INFO', [`Host key fingerprint is: ${host.key.fingerprint(look.hash)}`, ...picture(host.key, look)].join('\n'))
}

/** What is told and asked about host keys on the way to a server; `prefix` says to which. */
export const hostKeyTalk = (
  { config }: SshConfig,
  ask: Asker | undefined,
  log: Log,
  prefix = '',
): Pick<ConfiguredOptions, 'askHostKey' | 'confirm' | 'onKnownHost' | 'onRemembered' | 'onWarning'> => {
  const look: Look = { hash: fingerprintHashNamed(config.fingerprintHash) ?? 'sha256', picture: config.visualHostKey }
  return {
    ...(ask !== undefined
      ? {
          askHostKey: unknown => confirmed(unknownHostQuestion(unknown, look), unknown.key.fingerprint(look.hash), ask),
          confirm: question => confirmed(question, undefined, ask),
        }
      : {}),
    onKnownHost: host => known(host, look, log, prefix),
    onRemembered: ({ key }, _file, names) =>
      log.say('INFO', `Warning: Permanently added '${names}' (${shortTypeName(key.type)}) to the list of known hosts.`),
    onWarning: warning => log.say('ERROR', warning),
  }
}

/** An error about a host key, so loud that it is not read past; others as they are. */
export const loudly = (error: unknown, message: string): string => {
  const alarm = hostKeyAlarm(error)
  return alarm === undefined ? message : `${alarm}\n${message}`
}

/** What is said of a key exchange that a quantum computer of later will break (WarnWeakCrypto); `undefined` when it is sound. */
export const weakCryptoWarning = (kex: string): string | undefined =>
  /mlkem|sntrup/.test(kex)
    ? undefined
    : [
        '** WARNING: connection is not using a post-quantum key exchange algorithm.',
        `** It was agreed on by ${kex}: whoever records it now may read it later ("store now, decrypt later").`,
        '** The server may need to be upgraded. See https://openssh.com/pq.html',
      ].join('\n')
