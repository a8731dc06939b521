// Owns the words that mean something on the wire: names of everything in the tables.
import { defaultTables } from '../../packages/nacre/src/algorithms/tables.ts'
import { channelTypes } from '../../packages/nacre/src/connection/channel-types/table.ts'
import { globalRequests } from '../../packages/nacre/src/connection/global-requests/table.ts'
import { channelRequests } from '../../packages/nacre/src/connection/requests/table.ts'

const { kexMethods, signatures, keyTypes, ciphers, macs, compressions } = defaultTables
export const algorithmNames: readonly string[] = [
  ...new Set([...kexMethods, ...signatures, ...keyTypes, ...ciphers, ...macs, ...compressions].map(each => each.name)),
]
const typeNames = [...channelRequests, ...globalRequests, ...channelTypes].map(each => each.name)

/** Names, and texts that are often at fault. */
export const wireNames: readonly string[] = [
  ...typeNames,
  ...typeNames,
  ...[
    'ssh-userauth',
    'ssh-connection',
    'none',
    'password',
    'publickey',
    'publickey-hostbound-v00@openssh.com',
    'keyboard-interactive',
    'hostbased',
    'ada',
  ],
  ...['ssh-ed25519', 'rsa-sha2-256', 'ssh-rsa', 'ecdsa-sha2-nistp256', 'aes128-ctr', 'hmac-sha2-256', 'zlib', 'zlib@openssh.com'],
  ...['diffie-hellman-group-exchange-sha256', 'curve25519-sha256', 'kex-strict-c-v00@openssh.com', 'kex-strict-s-v00@openssh.com'],
  ...['ext-info-c', 'ext-info-s', 'server-sig-algs', 'INT', 'TERM', 'localhost', '127.0.0.1', '', '\0', '\u202e', '\x1b[2J', '%s', '../..'],
]
