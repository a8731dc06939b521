// Owns the broken set-ups in which the two ends have no algorithm in common, or none for the key at hand.
import { nacreSshd } from '../sites/commands.ts'
import { openSshServer } from '../peers/openssh.ts'
import { hostKey, newKey, userKey } from '../rig/keys.ts'
import { catalogue, logged, shared, type SshRun, type Told, toldBySsh } from './catalogue.ts'

const login = { key: userKey() }
const accepts = { keys: [userKey(), userKey('rsa')] }
const narrow = shared(() =>
  openSshServer({
    accepts,
    hostKeys: [hostKey()],
    config: [
      'KexAlgorithms curve25519-sha256',
      'Ciphers aes256-ctr',
      'MACs hmac-sha2-512',
      'PubkeyAcceptedAlgorithms ssh-ed25519',
      'Compression no',
    ],
  }),
)
const old = shared(() =>
  openSshServer({ accepts, hostKeys: [hostKey('rsa')], config: ['KexAlgorithms diffie-hellman-group1-sha1', 'HostKeyAlgorithms ssh-rsa'] }),
)
const ours = shared(() => nacreSshd({ accepts, hostKeys: [hostKey()], config: ['Ciphers aes256-ctr', 'MACs hmac-sha2-512'] }))

const ssh = async (of: typeof narrow, options: readonly string[], run: SshRun = {}): Promise<Told> =>
  toldBySsh((await of()).to, { login, ...run, options })

const common = 'PROTOCOL_NO_COMMON_ALGORITHM'

catalogue('algorithms', [
  {
    broken: 'no key exchange in common',
    run: () => ssh(narrow, ['KexAlgorithms=diffie-hellman-group14-sha256']),
    says: [/key exchange/, /diffie-hellman-group14-sha256/, /curve25519-sha256/, /KexAlgorithms=\+curve25519-sha256/],
    code: common,
  },
  {
    broken: 'no host key algorithm in common',
    run: () => ssh(narrow, ['HostKeyAlgorithms=ecdsa-sha2-nistp256']),
    says: [/host key algorithm/, /ecdsa-sha2-nistp256/, /ssh-ed25519/, /HostKeyAlgorithms=\+ssh-ed25519/],
    code: common,
  },
  {
    broken: 'no cipher in common',
    run: () => ssh(narrow, ['Ciphers=aes128-ctr']),
    says: [/cipher/, /aes128-ctr/, /aes256-ctr/, /Ciphers=\+aes256-ctr/],
    code: common,
  },
  {
    broken: 'no MAC in common',
    run: () => ssh(narrow, ['Ciphers=aes256-ctr', 'MACs=hmac-sha2-256']),
    says: [/MAC/, /hmac-sha2-256/, /hmac-sha2-512/, /MACs=\+hmac-sha2-512/],
    code: common,
  },
  {
    broken: 'a server that only has what is broken',
    run: () => ssh(old, []),
    says: [/diffie-hellman-group1-sha1/, /KexAlgorithms=\+diffie-hellman-group1-sha1/, /broken|weak/],
    code: common,
  },
  {
    broken: 'a server whose host key only signs with SHA-1',
    run: () => ssh(old, ['KexAlgorithms=+diffie-hellman-group1-sha1']),
    says: [/host key algorithm/, /ssh-rsa/, /HostKeyAlgorithms=\+ssh-rsa/, /broken|weak/],
    code: common,
  },
  {
    broken: 'an algorithm that does not exist',
    run: () => ssh(narrow, ['Ciphers=rot13']),
    says: [/rot13/, /Ciphers|cipher/],
  },
  {
    broken: 'the server takes no signature of this kind of key',
    run: () => ssh(narrow, [], { login: { key: userKey('rsa') } }),
    says: [/publickey/, /ssh-ed25519|PubkeyAcceptedAlgorithms/, /rsa/i],
    code: 'AUTHENTICATION_FAILED',
  },
  {
    broken: 'we are to use no signature of this kind of key',
    run: () => ssh(narrow, ['PubkeyAcceptedAlgorithms=rsa-sha2-512']),
    says: [/ssh-ed25519|PubkeyAcceptedAlgorithms/],
    code: 'AUTHENTICATION_FAILED',
  },
  {
    broken: "the user's RSA key is too short",
    run: () => ssh(narrow, ['RequiredRSASize=2048'], { login: { key: newKey('weakRsa') } }),
    says: [/1024/, /2048|RequiredRSASize/],
    code: 'AUTHENTICATION_FAILED',
  },
  {
    broken: 'nacre sshd: its log says who offered what',
    async run() {
      const told = await ssh(ours, ['Ciphers=aes128-ctr'])
      await logged(await ours(), [/127\.0\.0\.1 port \d+/, /cipher.*aes128-ctr.*aes256-ctr|cipher.*aes256-ctr.*aes128-ctr/])
      return told
    },
    says: [/aes128-ctr/, /aes256-ctr/],
    code: common,
  },
])
