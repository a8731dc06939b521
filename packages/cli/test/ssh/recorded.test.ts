// What OpenSSH 10.5 makes of several hundred configurations, the nastiest ones included, is what we make of them: the same
// lines of `ssh -G`, and what it refuses is refused. The cases say how they were recorded.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { type ClientMachine, dumpClientConfig, matchesWildcard, readClientConfig } from 'nacre/config'
import { algorithmLists } from '../../src/ssh/algorithm-lists.ts'
import { optionSources, readSshCommand } from '../../src/ssh/options.ts'

interface Case {
  readonly name: string
  readonly user?: string
  readonly system?: string
  readonly files?: Readonly<Record<string, string>>
  readonly args?: readonly string[]
  readonly host: string
  readonly command?: readonly string[]
  readonly refused?: true
  /** Keywords whose lines differ from those without any configuration, and their lines. */
  readonly changed?: Readonly<Record<string, readonly string[]>>
}
interface Recorded {
  readonly note: string
  readonly order: readonly string[]
  readonly cases: readonly Case[]
}

const path = new URL('../../../nacre/test/vectors/ssh-config.json', import.meta.url)
const recorded = JSON.parse(readFileSync(path, 'utf8')) as Recorded

/** The commands of the cases: `true`, `false`, and comparisons of words. */
const succeeds = (command: string): boolean =>
  command === 'true' ||
  (command.startsWith('test ') &&
    command
      .slice('test '.length)
      .split(' -a ')
      .every(each => each.split(' = ')[0] === each.split(' = ')[1]))

const isNamed = (pattern: string, file: string): boolean => {
  const names = [pattern.split('/'), file.split('/')]
  return (
    names[0].length === names[1].length &&
    names[0].every((each, at) => matchesWildcard(each, names[1][at]) && (each.startsWith('.') || !names[1][at].startsWith('.')))
  )
}

/** The machine the cases were recorded on. */
const machine = (files: Readonly<Record<string, string>>): ClientMachine => ({
  user: 'root',
  uid: '0',
  home: '/root',
  hostname: 'box.example.org',
  environment: { REC_NAME: 'varfile' },
  homeOf: user => (user === 'root' ? '/root' : undefined),
  sha1: text => createHash('sha1').update(text).digest('hex'),
  addresses: () => ['127.0.0.1', '::1'],
  include: (pattern, { source }) =>
    Object.keys(files)
      .filter(file => isNamed(pattern, file))
      .sort()
      .map(file => ({ path: file, text: files[file], isUsers: source.isUsers === true })),
  run: succeeds,
  resolve: async () => undefined,
})

const print = async ({ user, system, files = {}, args = [], host, command = [] }: Case): Promise<readonly string[]> => {
  const line = readSshCommand([...args, host, ...command])
  const none = line.line.last('F') === 'none'
  const settings = await readClientConfig(
    {
      options: optionSources(line),
      files: none
        ? []
        : [
            { path: '/root/.ssh/config', text: user ?? '', isUsers: true },
            { path: '/etc/ssh/ssh_config', text: system ?? '' },
          ],
    },
    { host: line.destination?.host ?? '', command: line.command },
    machine(files),
  )
  return dumpClientConfig(settings.config, settings.call.host, algorithmLists(settings)).trimEnd().split('\n')
}

/** Lines by keyword. */
const byKeyword = (lines: readonly string[]): Map<string, readonly string[]> => {
  const found = new Map<string, readonly string[]>()
  for (const line of lines) {
    const blank = line.indexOf(' ')
    found.set(line.slice(0, blank), [...(found.get(line.slice(0, blank)) ?? []), line.slice(blank + 1)])
  }
  return found
}

const differences = (lines: readonly string[], usual: readonly string[]): Record<string, readonly string[]> => {
  const [now, then] = [byKeyword(lines), byKeyword(usual)]
  const changed: Record<string, readonly string[]> = {}
  for (const keyword of new Set([...now.keys(), ...then.keys()])) {
    const values = now.get(keyword) ?? []
    if (JSON.stringify(values) !== JSON.stringify(then.get(keyword) ?? [])) changed[keyword] = values
  }
  return changed
}

/** A forwarding to a socket is no dynamic one: OpenSSH prints it as one too. */
const printedTwice = new Set(['LocalForward /a/s /b/s', 'LocalForward 8080 host/80'])
const expected = ({ name, changed = {} }: Case): Readonly<Record<string, readonly string[]>> => {
  if (!printedTwice.has(name)) return changed
  const { dynamicforward, ...others } = changed
  assert.equal(dynamicforward?.length, 1)
  return others
}

describe('ssh -G', async () => {
  const usual = await print({ name: '', host: 'Example.org' })

  it('prints the keywords in OpenSSH’s order', () => assert.deepEqual([...byKeyword(usual).keys()], recorded.order))

  for (const each of recorded.cases)
    it(`${each.name}: ${each.refused === true ? 'refused' : 'the same lines'}`, async () => {
      if (each.refused === true) await assert.rejects(print(each), 'OpenSSH refuses this')
      else assert.deepEqual(differences(await print(each), usual), expected(each))
    })
})
