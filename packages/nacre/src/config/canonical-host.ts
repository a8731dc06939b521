// Owns finding the name of a host that short and alias names stand for, as CanonicalizeHostname and its companions say.
// Knows nothing of files, and looks nothing up itself.
import { ConfigError } from '../errors.ts'
import { matchesPatternList } from '../patterns.ts'
import type { ClientConfig } from './client-keywords.ts'
import type { ClientMachine } from './client-machine.ts'

type Rules = Pick<
  ClientConfig,
  | 'addressFamily'
  | 'canonicalDomains'
  | 'canonicalizeFallbackLocal'
  | 'canonicalizeHostname'
  | 'canonicalizeMaxDots'
  | 'canonicalizePermittedCnames'
  | 'proxyCommand'
  | 'proxyJump'
>
type Resolve = ClientMachine['resolve']

/** Only such names are taken for addresses without asking: digits and dots, or something with a colon or a zone. */
const looksLikeAddress = (name: string): boolean => /[%:]/.test(name) || /^[0-9.]+$/.test(name)

/** An address in its usual form: `127.1` is `127.0.0.1`, `::0001` is `::1`. Others are left as they are. */
const usualAddress = (name: string): string => {
  try {
    const { hostname } = new URL(`http://${name.includes(':') ? `[${name}]` : name}/`)
    return hostname.replace(/^\[|\]$/g, '')
  } catch {
    return name
  }
}

const isSet = (value: unknown): boolean => value !== undefined && !(typeof value === 'string' && value.toLowerCase() === 'none')
const isDirect = ({ proxyCommand, proxyJump }: Rules): boolean => !isSet(proxyCommand) && !isSet(proxyJump)

/** Where aliases of DNS led, if the rules let them. */
const followed = (name: string, target: string | undefined, rules: Rules): string => {
  if (target === undefined || target === '' || target === name || rules.canonicalizeHostname === 'no') return name
  if (!isDirect(rules) && rules.canonicalizeHostname !== 'always') return name
  const permitted = rules.canonicalizePermittedCnames.some(
    ({ from, to }) =>
      matchesPatternList(from.toLowerCase().split(','), name.toLowerCase()) &&
      matchesPatternList(to.toLowerCase().split(','), target.toLowerCase()),
  )
  return permitted ? target.toLowerCase() : name
}

/** A name with its domain that has an address, or `undefined`. */
const qualified = async (host: string, rules: Rules, resolve: Resolve): Promise<string | undefined> => {
  const anchored = host.endsWith('.')
  const names = anchored ? [host] : rules.canonicalDomains.filter(each => each.toLowerCase() !== 'none').map(domain => `${host}.${domain}.`)
  for (const name of names) {
    const found = await resolve(name, rules.addressFamily, { aliases: rules.canonicalizePermittedCnames.length > 0 })
    if (found !== undefined) return followed(name.slice(0, -1), found.canonicalName?.replace(/\.$/, ''), rules)
  }
  if (rules.canonicalizeFallbackLocal) return undefined
  throw new ConfigError(`The host ${host} is in none of the domains of CanonicalDomains, and CanonicalizeFallbackLocal says no.`)
}

/**
 * The host to connect to, for `host` as HostName or the person said it: an address in its usual form, a name in lower case,
 * with the domain it was found in and aliases followed as far as the rules say.
 */
export const canonicalHost = async (host: string, rules: Rules, resolve: Resolve): Promise<string> => {
  if (looksLikeAddress(host)) return usualAddress(host)
  const name = host.toLowerCase()
  const may = isDirect(rules) || rules.canonicalizeHostname === 'always'
  if (!may) return name
  const wanted = rules.canonicalizeHostname !== 'no' && (name.endsWith('.') || name.split('.').length - 1 <= rules.canonicalizeMaxDots)
  const found = wanted ? await qualified(name, rules, resolve) : undefined
  if (found !== undefined) return found
  if (rules.canonicalizePermittedCnames.length === 0) return name
  const bare = await resolve(name, rules.addressFamily, { aliases: true })
  return bare === undefined ? name : followed(name, bare.canonicalName?.replace(/\.$/, ''), rules)
}
