// Owns configuration files of thousands of lines: what reading one costs. Knows nothing of tables.
import { spawnSync } from 'node:child_process'
import { freshFile } from '../../interop/rig/folder.ts'
import { hostKey } from '../../interop/rig/keys.ts'
import { readOpensshConfig } from '../../packages/nacre/src/client/config-node.ts'
import { parseServerConfig } from '../../packages/nacre/src/config/server-config.ts'
import type { Contender, Scenario, Settings } from '../rig/scenario.ts'
import { median } from '../rig/statistics.ts'

const blocks = 2500
const wanted = `host${blocks - 1}`
const times = 21

/** Four lines a host; the one that is wanted comes last. */
const clientText = Array.from(
  { length: blocks },
  (_, index) =>
    `Host host${index} *.site${index}.example\n  HostName 10.0.${index >> 8}.${index & 255}\n  Port ${2000 + index}\n  User "user ${index}"\n`,
).join('')
const serverText = Array.from(
  { length: blocks },
  (_, index) =>
    `Match User user${index} Address 10.0.${index >> 8}.0/24\n  PasswordAuthentication no\n  ForceCommand "/usr/bin/for ${index}"\n  X11Forwarding no\n`,
).join('')

const milliseconds = async (work: () => unknown): Promise<number> => {
  const started = performance.now()
  await work()
  return performance.now() - started
}

const often = async (work: () => unknown): Promise<number> => {
  // Code is compiled by then.
  for (let warm = 0; warm < 5; warm++) await work()
  const all: number[] = []
  for (let time = 0; time < times; time++) all.push(await milliseconds(work))
  return median(all)
}

const nacre: Contender = {
  name: 'nacre',
  async measure() {
    const file = freshFile('config', clientText)
    const read = async (): Promise<void> => {
      const { config } = await readOpensshConfig(wanted, { file })
      if (config.port !== 2000 + blocks - 1) throw new Error(`The port of ${wanted} was ${config.port}.`)
    }
    return { client: await often(read), server: await often(() => parseServerConfig([{ path: 'sshd_config', text: serverText }])) }
  },
}

/** The program with the file, less the program without it. */
const openssh: Contender = {
  name: 'OpenSSH',
  async measure() {
    const run = (command: string, words: readonly string[]): void => {
      const { status, stderr } = spawnSync(command, words, { encoding: 'utf8' })
      if (status !== 0) throw new Error(`${command} ${words.join(' ')}: ${stderr}`)
    }
    const [file, none] = [freshFile('config', clientText), freshFile('config', '')]
    const ssh = (config: string) => () => run('ssh', ['-F', config, '-G', wanted])
    const key = `HostKey ${hostKey().path}\n`
    const [serverFile, serverNone] = [freshFile('sshd_config', `${key}${serverText}`), freshFile('sshd_config', key)]
    const sshd = (config: string) => () => run('/usr/sbin/sshd', ['-T', '-f', config])
    return {
      client: Math.max(0.1, (await often(ssh(file))) - (await often(ssh(none)))),
      server: Math.max(0.1, (await often(sshd(serverFile))) - (await often(sshd(serverNone)))),
    }
  },
}

const contenders = ({ probe }: Settings): readonly Contender[] => (probe === undefined ? [nacre, openssh] : [nacre])

export const config: Scenario = {
  name: 'config',
  about: 'configuration files of ten thousand lines',
  title: 'Configuration files',
  prose: [
    `An ssh_config of ${4 * blocks} lines is read for the last of its ${blocks} hosts, and an sshd_config of as many lines is read at the start. OpenSSH's figures are those of \`ssh -G\` and \`sshd -T\` with the file, less those without. Ours is read by a program that runs already.`,
  ],
  mostRounds: 3,
  contenders,
  comparisons: [
    {
      work: 'ssh_config of ten thousand lines, wall',
      beside: 'OpenSSH',
      unit: 'ms',
      ours: ['nacre', 'client'],
      theirs: ['OpenSSH', 'client'],
      target: { below: 50 },
    },
    {
      work: 'sshd_config of ten thousand lines, wall',
      beside: 'OpenSSH',
      unit: 'ms',
      ours: ['nacre', 'server'],
      theirs: ['OpenSSH', 'server'],
      target: { below: 50 },
    },
  ],
}
