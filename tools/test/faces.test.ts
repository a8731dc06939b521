// Imports past faces: each name from the file that has it.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { pastFaces } from '../faces.ts'

const home = mkdtempSync(join(tmpdir(), 'nacre-faces-'))
after(() => rmSync(home, { recursive: true, force: true }))
mkdirSync(join(home, 'deep'))
const files = {
  'index.ts':
    "export * from './errors.ts'\nexport * from './deep/index.ts'\nexport { connect } from './connect.ts'\nexport type { Options } from './connect.ts'\n",
  'errors.ts': 'export class Wrong extends Error {}\n',
  'connect.ts': 'export const connect = () => 1\n',
  'deep/index.ts': "export {\n  far,\n  farther,\n} from './far.ts'\n",
}
for (const [name, text] of Object.entries(files)) writeFileSync(join(home, name), text)

const past = (text: string): string =>
  pastFaces(text, join(home, 'cli'), specifier => (specifier === 'us' ? join(home, 'index.ts') : undefined))

test('a name comes from the file that the face names', () => {
  assert.equal(past("import { connect } from 'us'"), "import { connect } from './../connect.ts'")
})

test('what a face has whole is looked for there, in other faces too', () => {
  assert.equal(
    past("import {\n  Wrong,\n  farther as f,\n} from 'us'"),
    "import { Wrong } from './../errors.ts'; import { farther as f } from './../deep/far.ts'",
  )
})

test('types are left out, and what nobody has is left to the bundler to refuse', () => {
  assert.equal(past("import { type Options, missing } from 'us'"), "import { missing } from 'us'")
})

test('other imports stay as they are', () => {
  for (const text of [
    "import { connect } from './us.ts'",
    "import * as us from 'us'",
    "import type { Options } from 'us'",
    "const us = await import('us')",
  ])
    assert.equal(past(text), text)
})
