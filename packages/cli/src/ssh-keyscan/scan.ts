// Owns asking many hosts at once, a bounded number of them: one connection at a time for each host, what a host says together.
// Knows nothing of command lines.
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { escapeForPeople, NegotiationError, scanHostKeys } from 'nacre'
import type { Environment } from '../environment.ts'
import { logLine } from '../fatal.ts'
import { allHosts, type ScannedHost } from './hosts.ts'
import type { KeyscanCall } from './options.ts'
import { shownKey } from './shown.ts'

/**
 * Each has one connection at most. OpenSSH has 246, but computes one key exchange at a time; ours run side by side, and more of
 * them only wait for each other's processor, the servers' when they share one.
 */
const hostsAtOnce = 100

const lookupTexts: Readonly<Record<string, string>> = {
  ENOTFOUND: 'Name or service not known',
  EAI_AGAIN: 'Temporary failure in name resolution',
}

const codeOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string' ? error.code : ''

class Scan {
  readonly #call: KeyscanCall
  readonly #environment: Environment
  /** A key came. */
  found = false

  constructor(call: KeyscanCall, environment: Environment) {
    this.#call = call
    this.#environment = environment
  }

  /** Writes, and waits when the reader is slow: what is not read yet is not kept here. */
  async #write(text: string): Promise<void> {
    if (text === '' || this.#environment.stdout.write(text)) return
    await new Promise<void>(resolve => this.#environment.stdout.once('drain', resolve))
  }

  #debug(text: string): void {
    if (this.#call.verbose > 0) logLine(this.#environment, `debug1: ${text}`)
  }

  /** The addresses a name stands for. A name nobody knows is said. */
  async #resolve(name: string): Promise<readonly string[]> {
    if (isIP(name) !== 0) return [name]
    try {
      const all = await lookup(name, { all: true, family: this.#call.family })
      return all.map(each => each.address)
    } catch (error) {
      const text = lookupTexts[codeOf(error)] ?? (error instanceof Error ? error.message : String(error))
      logLine(this.#environment, `getaddrinfo ${escapeForPeople(name)}: ${text}`)
      return []
    }
  }

  /** True when the host answered, whatever it had: then no other address of it is tried. */
  async #ask(address: string, name: string, names: string): Promise<boolean> {
    const { port, timeout, kinds, quiet, records } = this.#call
    const where = `${name}:${port}`
    let comment = ''
    let answered = false
    try {
      const keys = scanHostKeys(address, {
        port,
        timeout,
        kinds,
        software: 'nacre_keyscan',
        onIdentified: line => {
          answered = true
          if (!quiet) comment += `${records ? ';' : '#'} ${where} ${escapeForPeople(line)}\n`
        },
        onMissed: error => this.#debug(`${where}: ${error instanceof Error ? error.message : String(error)}`),
      })
      for await (const shown of keys) {
        this.found = true
        const text = comment + shownKey(shown.key, names, this.#call, this.#environment)
        comment = ''
        await this.#write(text)
      }
      return true
    } catch (error) {
      this.#failed(error, where, answered)
      return answered && error instanceof NegotiationError
    } finally {
      await this.#write(comment)
    }
  }

  /** A server that has none of the keys, and a host that does not answer, are nothing to tell of, as with OpenSSH. */
  #failed(error: unknown, where: string, answered: boolean): void {
    const text = error instanceof Error ? error.message : String(error)
    if (!answered && codeOf(error) === 'CONNECTION_LOST')
      logLine(this.#environment, `${where.replace(/:\d+$/, '')}: Connection closed by remote host`)
    else this.#debug(`${where}: ${text}`)
  }

  async host({ addresses, names }: ScannedHost): Promise<void> {
    for (const name of addresses) {
      for (const address of await this.#resolve(name)) if (await this.#ask(address, name, names)) return
    }
  }
}

/** Asks every host of a call. True when at least one key came. */
export const scanAll = async (call: KeyscanCall, environment: Environment): Promise<boolean> => {
  const scan = new Scan(call, environment)
  const hosts = allHosts(call, environment)
  const worker = async (): Promise<void> => {
    for (let next = await hosts.next(); next.done !== true; next = await hosts.next()) await scan.host(next.value)
  }
  await Promise.all(Array.from({ length: hostsAtOnce }, worker))
  return scan.found
}
