// Owns the list of an agent with a hundred keys: what one answer costs the agent. Knows nothing of tables.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { freshPath } from '../../interop/rig/folder.ts'
import { start } from '../../interop/rig/process.ts'
import type { AgentClient } from '../../packages/nacre/src/agent/client.ts'
import { connectAgent } from '../../packages/nacre/src/agent/openssh-node.ts'
import { generateKeyNumbers } from '../../packages/nacre/src/crypto/node/generate.ts'
import { PrivateKey } from '../../packages/nacre/src/keys/private.ts'
import type { Contender, Scenario, Settings } from '../rig/scenario.ts'
import { cpuOfTree } from '../rig/usage.ts'

const keys = 100
/** The kernel counts CPU in hundredths of a second, so that many are asked for that it does not matter. */
const lists = 20_000

const launcher = fileURLToPath(new URL('../../packages/cli/bin/nacre.js', import.meta.url))

const listened = async (socket: string): Promise<void> => {
  while (!existsSync(socket)) await new Promise(resolve => setTimeout(resolve, 10))
}

const fill = async (agent: AgentClient): Promise<void> => {
  for (let number = 0; number < keys; number++) {
    const key = new PrivateKey(await generateKeyNumbers({ kind: 'ed25519' }))
    await agent.add({ key, certificate: undefined }, `key number ${number}`)
  }
}

const contender = (name: string, command: readonly string[]): Contender => ({
  name,
  async measure() {
    const socket = freshPath('agent')
    await using running = await start([...command, '-D', '-a', socket])
    await listened(socket)
    using agent = await connectAgent(socket)
    await fill(agent)
    for (let warm = 0; warm < lists / 10; warm++) await agent.list()
    const before = cpuOfTree(running.pid)
    for (let asked = 0; asked < lists; asked++) await agent.list()
    return { cpu: (1_000_000 * (cpuOfTree(running.pid) - before)) / lists }
  },
})

const contenders = ({ probe }: Settings): readonly Contender[] => [
  contender('nacre', [process.execPath, launcher, 'ssh-agent']),
  ...(probe === undefined ? [contender('OpenSSH', ['ssh-agent'])] : []),
]

export const agentList: Scenario = {
  name: 'agent-list',
  about: 'an agent with a hundred keys lists them',
  title: 'Agents',
  prose: [
    '`ssh-agent` holds a hundred keys, and a client asks for the list again and again over one connection. The CPU is all that of the agent.',
  ],
  mostRounds: 3,
  contenders,
  comparisons: [
    {
      work: 'list 100 keys, CPU of the agent',
      beside: 'OpenSSH',
      unit: 'µs',
      ours: ['nacre', 'cpu'],
      theirs: ['OpenSSH', 'cpu'],
      target: { below: 1000 },
    },
  ],
}
