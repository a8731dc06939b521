// Owns the broken set-ups that stand in files before anything is connected: ssh_config, sshd_config, host keys, ports that are taken.
import { chmodSync, writeFileSync } from 'node:fs'
import { freshFile, freshFolder } from '../rig/folder.ts'
import { hostKey } from '../rig/keys.ts'
import { freePort } from '../rig/port.ts'
import { finish } from '../rig/process.ts'
import { nacre } from '../sites/commands.ts'
import { catalogue, type Told, toldBy, toldByCommand } from './catalogue.ts'
import { listener } from './sites.ts'

/** `nacre ssh` with this configuration. */
const client = (text: string): Promise<Told> => toldByCommand(['ssh', '-v', '-F', freshFile('ssh_config', text), 'host.invalid', 'true'])

/** `nacre sshd` with this configuration, which must not start. */
const server = async (lines: readonly string[], ...words: readonly string[]): Promise<Told> => {
  const config = freshFile('sshd_config', `${lines.join('\n')}\n`, 0o644)
  const result = await finish(nacre('sshd', '-D', '-e', ...words, '-f', config))
  return toldBy(result.code, result.stderr, result.stdout.toString())
}
const port = async (): Promise<readonly string[]> => ['ListenAddress 127.0.0.1', `Port ${await freePort()}`]
const key = `HostKey ${hostKey().path}`

catalogue('ssh_config', [
  { broken: 'a keyword nobody knows', run: () => client('Host *\n  Nonsense yes\n'), says: [/ssh_config line 2/, /Nonsense/i] },
  { broken: 'a value that is none', run: () => client('Port twentytwo\n'), says: [/ssh_config line 1/, /twentytwo/] },
  { broken: 'a keyword without a value', run: () => client('User\n'), says: [/ssh_config line 1/, /User/i] },
  { broken: 'a quotation without an end', run: () => client('User "wanda\n'), says: [/ssh_config line 1/, /without its partner/] },
  { broken: 'a Match criterion nobody knows', run: () => client('Match moon full\n  User x\n'), says: [/ssh_config line 1/, /moon/] },
  {
    broken: 'a file that includes itself',
    run() {
      const folder = freshFolder('loop')
      writeFileSync(`${folder}/config`, `# round and round\nInclude ${folder}/config\n`, { mode: 0o600 })
      return toldByCommand(['ssh', '-v', '-F', `${folder}/config`, 'host.invalid', 'true'])
    },
    says: [/loop\/config line 2/, /Include/i],
  },
  {
    broken: 'a file that is not there',
    run: () => toldByCommand(['ssh', '-v', '-F', '/no/such/config', 'host.invalid', 'true']),
    says: [/\/no\/such\/config/, /does not exist/],
  },
  { broken: 'an option nobody knows', run: () => toldByCommand(['ssh', '-Z', 'host.invalid']), says: [/-Z|option/, /usage/i] },
])

catalogue('sshd_config', [
  {
    broken: 'a keyword nobody knows',
    run: async () => server([...(await port()), key, 'Nonsense yes']),
    says: [/sshd_config line 4/, /Nonsense/i],
    exit: 1,
  },
  {
    broken: 'a value that is none',
    run: async () => server([...(await port()), key, 'PermitRootLogin perhaps']),
    says: [/sshd_config line 4/, /perhaps/],
    exit: 1,
  },
  {
    broken: 'a keyword that may not stand in Match',
    run: async () => server([...(await port()), key, 'Match User x', '  Port 22']),
    says: [/sshd_config line 5/, /Match/],
    exit: 1,
  },
  {
    broken: 'the host key is not there',
    run: async () => server([...(await port()), 'HostKey /no/such/host_key']),
    says: [/\/no\/such\/host_key/, /host key/i, /ssh-keygen -A/],
    exit: 1,
  },
  {
    broken: 'others can read the host key',
    async run() {
      const path = freshFile('host_key', 'not even looked at')
      chmodSync(path, 0o644)
      return await server([...(await port()), `HostKey ${path}`])
    },
    says: [/host_key/, /0644|permission/i],
    exit: 1,
  },
  {
    broken: 'the port is taken',
    async run() {
      await using place = await listener(() => {})
      return await server(['ListenAddress 127.0.0.1', `Port ${place.port}`, key])
    },
    says: [/127\.0\.0\.1/, /port \d+/i, /in use/],
    exit: 1,
  },
  {
    broken: 'the address is not of this machine',
    run: async () => server([`Port ${await freePort()}`, 'ListenAddress 192.0.2.77', key]),
    says: [/192\.0\.2\.77/, /assign|not (?:on|of) this machine|EADDRNOTAVAIL/i],
    exit: 1,
  },
  {
    broken: 'sshd_config is not there',
    run: () => toldByCommand(['sshd', '-D', '-e', '-f', '/no/such/config']),
    says: [/\/no\/such\/config/],
    exit: 1,
  },
])
