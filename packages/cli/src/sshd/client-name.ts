// Owns the name of a client's address (UseDNS): what the address maps to, as long as that name maps back. Knows nothing of what
// the name is for.
import { lookup, lookupService } from 'node:dns/promises'
import { isIP } from 'node:net'
import { escapeForPeople } from 'nacre'
import { plainAddress } from './addresses.ts'

export interface NameServices {
  /** The name of an address; rejects when it has none. */
  nameOf(address: string): Promise<string>
  addressesOf(name: string, family: 4 | 6): Promise<readonly string[]>
}

const systemNames: NameServices = {
  nameOf: async address => (await lookupService(address, 0)).hostname,
  addressesOf: async (name, family) => (await lookup(name, { all: true, family })).map(each => each.address),
}

/**
 * The name of an address in lower case, or the address itself: when it has no name, when the name looks like another address, and
 * when the name does not map back, since whoever owns the address can give it any name.
 */
export const clientName = async (address: string, say: (text: string) => void, names: NameServices = systemNames): Promise<string> => {
  const plain = plainAddress(address)
  let name: string
  try {
    name = (await names.nameOf(plain)).toLowerCase()
  } catch {
    return plain
  }
  const shown = escapeForPeople(name, { limit: 255 })
  if (isIP(name) !== 0 || /^[\d.]+$/.test(name)) {
    if (name !== plain) say(`Nasty PTR record "${shown}" is set up for ${plain}, ignoring`)
    return plain
  }
  try {
    if ((await names.addressesOf(name, isIP(plain) === 6 ? 6 : 4)).includes(plain)) return name
    say(`Address ${plain} maps to ${shown}, but this does not map back to the address.`)
  } catch {
    say(`reverse mapping checking getaddrinfo for ${shown} [${plain}] failed.`)
  }
  return plain
}
