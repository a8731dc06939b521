// Owns the host key policy of known_hosts files as OpenSSH's client has it: who is known, who is refused, whom we go on with
// untrusted, and remembering the new. Knows the files' places, not their format.
import { readFile } from 'node:fs/promises'
import { randomFillSync } from 'node:crypto'
import { addressRanges, parseAddress } from '../addresses.ts'
import { ConfigError, HostKeyError } from '../errors.ts'
import type { Random } from '../crypto/provider.ts'
import { appendLine } from '../keys/edit-file-node.ts'
import { nodeCrypto } from '../crypto/node/provider.ts'
import { type Certificate, isCertificateType, parseCertificate } from '../keys/certificate.ts'
import { checkCertificate } from '../keys/certificate-check.ts'
import { isRevoked, parseRevokedKeys } from '../keys/krl/index.ts'
import { lookUpHostAuthority, wantedHostKeyAlgorithms } from '../keys/host-authorities.ts'
import {
  formatKnownHostsLine,
  type HostKeyLookup,
  type HostPlace,
  knownHostName,
  type KnownHostsFile,
  lookUpHostKey,
  parseKnownHosts,
} from '../keys/known-hosts.ts'
import { formatPublicKeyLine } from '../keys/public.ts'
import { matchSshfp } from '../keys/sshfp.ts'
import { updateHostKeys } from './host-key-updates-node.ts'
import {
  addressError,
  addressWords,
  alarms,
  changedError,
  declinedError,
  type HostKeyCase,
  nameOf,
  revokedError,
  shownKey,
  unknownError,
  untrustedWords,
} from './host-key-words.ts'
import type { KnownHosts, KnownHostsOptions, KnownHostsQuestion, UnknownHostKey } from './known-hosts-options.ts'
import type { HostKeyTrust, PresentedHostKey } from './policy.ts'

export type { KnownHosts, KnownHostsOptions } from './known-hosts-options.ts'

const commandName = 'KnownHostsCommand'

const isLoopback = addressRanges(['127.0.0.0/8', '::1'])

/** The files as they were when the policy was made. */
interface Read {
  readonly user: readonly KnownHostsFile[]
  readonly system: readonly KnownHostsFile[]
  readonly options: KnownHostsOptions
  readonly hash: Random | undefined
}

const readIfThere = async (path: string): Promise<KnownHostsFile> => {
  try {
    return parseKnownHosts(await readFile(path, 'utf8'), path)
  } catch (error) {
    const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
    if (code === 'ENOENT' || code === 'ENOTDIR') return { path, entries: [], problems: [] }
    // What it knows, and what it revokes, cannot be passed over.
    throw new ConfigError(
      `The known hosts cannot be read from ${path}: ${reasonOf(error)}. Mend the file, or name another (UserKnownHostsFile, GlobalKnownHostsFile).`,
      {},
      { cause: error },
    )
  }
}

const placeOf = (host: string, port: number, alias: string | undefined): HostPlace =>
  alias === undefined ? { host: host.toLowerCase(), port } : { host: alias.toLowerCase(), port: 22 }

/** The files, and what the command says. */
const filesFor = async ({ user, system, options }: Read, question: KnownHostsQuestion): Promise<readonly KnownHostsFile[]> => {
  const said = options.command === undefined ? undefined : await options.command(question)
  return [...user, ...system, ...(said === undefined ? [] : [parseKnownHosts(said, commandName)])]
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Deciding about one key that a host showed. */
class Decision {
  readonly #read: Read
  readonly #presented: PresentedHostKey
  readonly #place: HostPlace
  /** Where the address is looked up, when it is (CheckHostIP). */
  readonly #address: HostPlace | undefined
  /** Why a certificate did not count, to put behind other words. */
  #certificate = ''
  #dns: UnknownHostKey['dns']

  constructor(read: Read, presented: PresentedHostKey) {
    const { options } = read
    const { address, host, port, key } = presented
    this.#read = read
    this.#presented = presented
    this.#place = placeOf(host, port, options.alias)
    const looked = options.checkAddress === true && address !== undefined && !isLoopback(address) && address !== host
    this.#address = looked && !isCertificateType(key.type) ? { host: address, port } : undefined
  }

  async run(): Promise<HostKeyTrust> {
    const { options } = this.#read
    for (const path of [options.revoked ?? []].flat()) await this.#refuseRevoked(path)
    if (await this.#isProvenByDns()) return {}
    const { address } = this.#presented
    if (options.trustLoopback === true && options.alias === undefined && address !== undefined && isLoopback(address)) return {}
    const files = await this.#lines('HOSTNAME', this.#place)
    if (!isCertificateType(this.#presented.key.type)) return this.#decide(this.#presented, files)
    return this.#decideCertified(parseCertificate(this.#presented.key.blob), files)
  }

  /** Throws when a list of revoked keys has the key, and also when it cannot be read: nobody knows then. */
  async #refuseRevoked(path: string): Promise<void> {
    const { key, fingerprint } = this.#presented
    const identity = { fingerprint, keyType: key.type }
    let found: ReturnType<typeof isRevoked>
    try {
      found = isRevoked(parseRevokedKeys(await readFile(path), path), key)
    } catch (error) {
      throw new HostKeyError(
        'HOST_KEY_REFUSED',
        `The list of revoked host keys ${path} cannot be read, so no host key is trusted: ${reasonOf(error)}`,
        identity,
      )
    }
    if (found === undefined) return
    throw new HostKeyError(
      'HOST_KEY_REVOKED',
      `The host key of ${nameOf(this.#presented)} is revoked by ${path}. ${found.reason} Do not connect: whoever holds it may not be the server.`,
      identity,
    )
  }

  /** True when DNSSEC proves the key. What DNS says otherwise is only told. */
  async #isProvenByDns(): Promise<boolean> {
    const { dns, onNote, onWarning } = this.#read.options
    const { host, key } = this.#presented
    if (dns === undefined || parseAddress(host) !== undefined) return false
    const plain = isCertificateType(key.type) ? parseCertificate(key.blob).key : key
    try {
      const { records, secure } = await dns.resolve(host)
      const fits = matchSshfp(plain, records)
      onNote?.(`DNS has ${records.length} ${secure ? 'secure' : 'insecure'} fingerprints of ${host}: ${fits}`)
      if (fits === 'matching' && secure && dns.advisory !== true) return true
      if (fits === 'none') return false
      this.#dns = fits
      if (fits === 'differing')
        onWarning?.(
          `${alarms.changed}\nThe key of ${nameOf(this.#presented)} is not the one that DNS has fingerprints of. ` +
            'If it was changed on purpose, its SSHFP records must be renewed.',
        )
    } catch (error) {
      onNote?.(reasonOf(error))
    }
    return false
  }

  async #lines(invocation: 'HOSTNAME' | 'ADDRESS', place: HostPlace): Promise<readonly KnownHostsFile[]> {
    const { key, fingerprint } = this.#presented
    try {
      return await filesFor(this.#read, { invocation, name: knownHostName(place), key })
    } catch (error) {
      throw new HostKeyError('HOST_KEY_REFUSED', reasonOf(error), { fingerprint, keyType: key.type })
    }
  }

  /** A certificate counts when its authority is trusted for the host; else its key is looked up like any other, as OpenSSH does. */
  async #decideCertified(certificate: Certificate, files: readonly KnownHostsFile[]): Promise<HostKeyTrust> {
    const { options } = this.#read
    const { algorithm, host, port, address } = this.#presented
    const { signatureKey, key } = certificate
    const authority = lookUpHostAuthority(files, this.#place, certificate)
    const shown = shownKey(signatureKey, options.fingerprintHash)
    if (authority.is === 'revoked') {
      const name = nameOf(this.#presented)
      const what =
        authority.what === 'authority' ? `The authority that signed the host certificate of ${name} (${shown})` : `The key of ${name}`
      return this.#danger(revokedError(this.#case(files), what, authority), 'revoked')
    }
    if (authority.is === 'untrusted') {
      const [other] = authority.others
      const known = other === undefined ? '' : ` For this host ${other.file} line ${other.line} trusts ${other.fingerprint}.`
      this.#certificate = ` It also showed a certificate by the authority ${shown}, which no @cert-authority line trusts for it.${known}`
    } else {
      const verdict = checkCertificate(nodeCrypto(), certificate, {
        kind: 'host',
        name: this.#place.host,
        time: Date.now(),
        ...(options.authorityAlgorithms === undefined ? {} : { signatureAlgorithms: options.authorityAlgorithms }),
        ...(options.minimumRsaBits === undefined ? {} : { minimumRsaBits: options.minimumRsaBits }),
      })
      if (verdict.is === 'valid') {
        options.onKnown?.({ ...this.#facts(), key: this.#presented.key, file: authority.file, line: authority.line })
        return {}
      }
      this.#certificate = ` ${verdict.message}`
    }
    options.onNote?.(`The host certificate of ${nameOf(this.#presented)} does not count, so its key is looked up.${this.#certificate}`)
    return this.#decide({ key, fingerprint: key.fingerprint(), algorithm, host, port, address }, files)
  }

  async #decide(presented: PresentedHostKey, files: readonly KnownHostsFile[]): Promise<HostKeyTrust> {
    const about: HostKeyCase = { ...this.#case(files), presented }
    const found = lookUpHostKey(files, this.#place, presented.key.blob)
    const addressFound =
      this.#address === undefined
        ? undefined
        : lookUpHostKey(await this.#lines('ADDRESS', this.#address), this.#address, presented.key.blob)
    if (addressFound?.is === 'revoked') return this.#revoked(about, addressFound)
    switch (found.is) {
      case 'revoked':
        return this.#revoked(about, found)
      case 'changed':
        return this.#danger(changedError(about, found.entries[0], `${this.#spoofing(addressFound)}${this.#certificate}`), 'changed')
      case 'known': {
        this.#read.options.onKnown?.({ ...this.#facts(), key: presented.key, file: found.file, line: found.line })
        if (addressFound?.is === 'unknown') await this.#rememberAddress(presented, found.file)
        await this.#checkAddress(about, addressFound)
        return found.withoutPort !== true && this.#isOfUser(found.file) ? this.#updates() : {}
      }
      case 'unknown': {
        const confirmed = await this.#unknown(about, found)
        await this.#remember(presented, addressFound?.is === 'unknown')
        await this.#checkAddress(about, addressFound)
        return confirmed ? this.#updates() : {}
      }
    }
  }

  #revoked(about: HostKeyCase, { file, line }: { readonly file: string; readonly line: number }): HostKeyTrust {
    const { presented, hash } = about
    const what = `The host key of ${nameOf(presented)} (${shownKey(presented.key, hash)})`
    return this.#danger(revokedError(about, what, { file, line, fingerprint: presented.fingerprint }), 'revoked')
  }

  /** A key that must not be trusted: refused, unless we were told to go on whatever it is. */
  #danger(error: HostKeyError, kind: keyof typeof alarms): HostKeyTrust {
    const { strict, onWarning } = this.#read.options
    if (strict !== 'no') throw error
    onWarning?.(`${alarms[kind]}\n${error.message}\n${untrustedWords}`)
    return { untrusted: true }
  }

  /** True when a person took it, false when nobody was to be asked. */
  async #unknown(about: HostKeyCase, found: Extract<HostKeyLookup, { is: 'unknown' }>): Promise<boolean> {
    const { strict = 'ask', ask, files } = this.#read.options
    if (files.length === 0) throw unknownError(about, ` No file of the user can remember it (UserKnownHostsFile).${this.#certificate}`)
    if (/[\s,*?!|@#"'\\[\]]/.test(this.#place.host))
      throw unknownError(about, ` A file could not remember a host of this name.${this.#certificate}`)
    if (strict === 'accept-new' || strict === 'no') return false
    if (strict === 'yes' || ask === undefined) throw unknownError(about, this.#certificate)
    const facts = { ...this.#facts(), key: about.presented.key, fingerprint: about.presented.fingerprint }
    if (await ask({ ...facts, otherNames: found.otherNames, dns: this.#dns })) return true
    throw declinedError(about)
  }

  /** What the key known for the address says of a name whose key has changed. */
  #spoofing(found: HostKeyLookup | undefined): string {
    if (found === undefined) return ''
    const what = found.is === 'known' ? 'is this very one' : found.is === 'unknown' ? 'is not known' : 'differs as well'
    return ` POSSIBLE DNS SPOOFING: the key known for its address ${this.#presented.address ?? ''} ${what}.`
  }

  /** The name is right, and the address is known with another key. */
  async #checkAddress(about: HostKeyCase, found: HostKeyLookup | undefined): Promise<void> {
    if (found?.is !== 'changed') return
    const { strict = 'ask', confirm, onWarning } = this.#read.options
    const words = addressWords(about, found.entries[0])
    if (strict === 'no') onWarning?.(`Warning: ${words}`)
    else if (
      strict !== 'ask' ||
      !((await confirm?.(`Warning: ${words}\nAre you sure you want to continue connecting (yes/no)? `)) ?? false)
    )
      throw addressError(about, found.entries[0])
  }

  #isOfUser(file: string): boolean {
    return this.#read.options.files.includes(file)
  }

  /** Only for keys that somebody vouched for: the user's own file, or the user just now. */
  #updates(): HostKeyTrust {
    const { options, hash } = this.#read
    const { update = 'no', confirm, files } = options
    if (update === 'no' || files.length === 0 || (update === 'ask' && confirm === undefined)) return {}
    const address = this.#address === undefined ? undefined : knownHostName(this.#address)
    const names = { host: knownHostName(this.#place), address }
    return { announced: announced => updateHostKeys(announced, { names, shown: nameOf(this.#presented), hash }, options) }
  }

  async #rememberAddress(presented: PresentedHostKey, knownIn: string): Promise<void> {
    const { files, onNote } = this.#read.options
    if (this.#address === undefined) return
    if (files.length === 0 || knownIn === commandName)
      onNote?.(`The key of the address ${this.#address.host} is in no list of known hosts.`)
    else await this.#write(presented, [this.#address])
  }

  async #remember(presented: PresentedHostKey, withAddress: boolean): Promise<void> {
    await this.#write(presented, [this.#place, ...(withAddress && this.#address !== undefined ? [this.#address] : [])])
  }

  /** What cannot be written is told: a disk that is full is no reason not to log in. */
  async #write(presented: PresentedHostKey, places: readonly HostPlace[]): Promise<void> {
    const { options, hash } = this.#read
    const [file] = options.files
    const names = places.map(knownHostName)
    const { blob } = presented.key
    const lines =
      hash === undefined
        ? [`${names.join(',')} ${formatPublicKeyLine(presented.key)}`]
        : places.map(({ host, port }) => formatKnownHostsLine(host, port, blob, { hash }))
    try {
      for (const line of lines) await appendLine(file, line)
      options.onRemembered?.(presented, file, names.join(','))
    } catch (error) {
      options.onWarning?.(`Failed to add the host ${names.join(',')} to the list of known hosts (${file}): ${reasonOf(error)}`)
    }
  }

  #facts(): PresentedHostKey {
    const { key, fingerprint, algorithm, host, port, address } = this.#presented
    return { key, fingerprint, algorithm, host, port, address }
  }

  #case(files: readonly KnownHostsFile[]): HostKeyCase {
    const { fingerprintHash: hash, alias } = this.#read.options
    return { presented: this.#presented, files, hash, alias }
  }
}

/** Reads the files now; later changes to them are not seen, but for those that `update` makes. */
export const knownHosts = async (options: KnownHostsOptions): Promise<KnownHosts> => {
  const read: Read = {
    user: await Promise.all(options.files.map(readIfThere)),
    system: await Promise.all((options.globalFiles ?? []).map(readIfThere)),
    options,
    hash: options.hash === true ? bytes => void randomFillSync(bytes) : undefined,
  }
  return {
    policy: presented => new Decision(read, presented).run(),
    knownTypes: (host, port) => wantedHostKeyAlgorithms([...read.user, ...read.system], placeOf(host, port, options.alias)),
    preferredAlgorithms: async (host, port) => {
      const place = placeOf(host, port, options.alias)
      return wantedHostKeyAlgorithms(await filesFor(read, { invocation: 'ORDER', name: knownHostName(place), key: undefined }), place)
    },
  }
}
