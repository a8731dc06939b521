// `nacre help`: the table of commands as text.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { commands } from '../src/commands.ts'
import { run } from '../src/commands/help.ts'
import { run as version } from '../src/commands/version.ts'
import { type Environment, processEnvironment } from '../src/environment.ts'

const record = (): { environment: Environment; stdout: () => string; stderr: () => string } => {
  const said = { stdout: '', stderr: '' }
  const stream = (name: keyof typeof said) => ({ write: (text: string) => (said[name] += text) !== '' }) as unknown as NodeJS.WritableStream
  return {
    environment: { ...processEnvironment('nacre'), stdout: stream('stdout'), stderr: stream('stderr') },
    stdout: () => said.stdout,
    stderr: () => said.stderr,
  }
}

test('lists every command with its line', async () => {
  const { environment, stdout } = record()
  assert.equal(await run([], environment), 0)
  assert.match(stdout(), /^usage: nacre <command> \[arguments\]\n/)
  for (const command of commands) assert.match(stdout(), new RegExp(`^  ${command.name} +${command.summary}$`, 'm'))
})

test('names what was typed instead of a command, harmlessly', async () => {
  const { environment, stderr } = record()
  assert.equal(await run(['s\x1b[31msh'], environment), 2)
  assert.ok(stderr().startsWith('nacre: there is no command "s\\u001b[31msh"\n'))
})

test('version is one line', async () => {
  const { environment, stdout } = record()
  assert.equal(await version([], environment), 0)
  assert.match(stdout(), /^nacre \d+\.\d+\.\d+, Node \d+\.\d+\.\d+, OpenSSL [\d.]+ \(\w+ \w+\)\n$/)
})
