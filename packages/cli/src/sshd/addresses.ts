// Owns the comparison of a client's address with the lists of sshd_config and authorized_keys: addresses, CIDR blocks and
// wildcards, `!` negates. Knows nothing of who is behind an address.
import { BlockList, isIP } from 'node:net'
import { matchesWildcard } from 'nacre/keys'

/** IPv4 inside IPv6 (`::ffff:10.0.0.1`) is IPv4 to people, as in OpenSSH. */
export const plainAddress = (address: string): string => {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)
  return mapped === null ? address : mapped[1]
}

const family = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4')

/** Whether `address` is in a block `10.0.0.0/8`; `undefined` when the pattern is no block. */
const inBlock = (pattern: string, address: string): boolean | undefined => {
  const [network, length, ...more] = pattern.split('/')
  if (length === undefined || more.length > 0 || isIP(network) === 0 || !/^\d{1,3}$/.test(length)) return undefined
  if (Number(length) > (isIP(network) === 6 ? 128 : 32)) return undefined
  const block = new BlockList()
  block.addSubnet(network, Number(length), family(network))
  return family(network) === family(address) && block.check(address, family(address))
}

const matchesOne = (pattern: string, address: string): boolean =>
  inBlock(pattern, address) ?? matchesWildcard(pattern.toLowerCase(), address.toLowerCase())

/**
 * True when one pattern of the list fits and none that begins with `!` does. A client without a known address fits
 * nothing, not even `*`.
 */
export const matchesAddress = (patterns: readonly string[], address: string | undefined): boolean => {
  if (address === undefined || isIP(address.split('%')[0]) === 0) return false
  const plain = plainAddress(address.split('%')[0])
  let found = false
  for (const pattern of patterns) {
    if (pattern.startsWith('!')) {
      if (matchesOne(pattern.slice(1), plain)) return false
    } else if (matchesOne(pattern, plain)) found = true
  }
  return found
}
