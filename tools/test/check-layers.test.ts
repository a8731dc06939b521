// The check of layers finds each fault it is there for, and nothing in code that keeps the rules.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { checkLayers } from '../check-layers.ts'

/** What the check says about a checkout with these files: paths from the library's sources, or `cli/…`. */
const check = (files: Readonly<Record<string, string>>): readonly string[] => {
  const root = mkdtempSync(join(tmpdir(), 'nacre-layers-'))
  try {
    const write = (path: string, text: string): void => {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      writeFileSync(join(root, path), text)
    }
    write(
      'packages/nacre/package.json',
      '{"dependencies":{"pako":"1"},"imports":{"#spare":{"bun":"./src/crypto/web/spare.ts","default":"./src/crypto/node/none.ts"}}}',
    )
    write('packages/cli/package.json', '{"dependencies":{"nacre":"1","@lydell/node-pty":"1"}}')
    for (const name of ['nacre', 'cli']) mkdirSync(join(root, 'packages', name, 'src'), { recursive: true })
    for (const [path, text] of Object.entries(files))
      write(path.startsWith('cli/') ? `packages/cli/src/${path.slice(4)}` : `packages/nacre/src/${path}`, text)
    return checkLayers(root)
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

test('code that keeps the rules passes', () => {
  assert.deepEqual(
    check({
      'errors.ts': 'export const a = 1\n',
      'wire/reader.ts': `import { a } from '../errors.ts'\nexport const b = (value: any) => a + value\n`,
      'wire/writer.ts': `import type { b } from './reader.ts'\nexport type C = typeof b\n`,
      'algorithms/zlib.ts': `import { deflate } from 'pako'\nexport { deflate }\n`,
      'io/node-socket.ts': `import net from 'node:net'\nexport const n = Buffer.alloc(net.isIP(''))\n`,
      'crypto/node/provider.ts': `import 'node:crypto'\nimport '#spare'\n`,
      'client/process.ts': 'export class Process { process = 1 }\nexport const run = (process: Process) => process.process\n',
      'index.ts': `export * from './errors.ts'\nexport { Process } from './client/process.ts'\n`,
      'cli/pty.ts': `import { a } from 'nacre'\nimport '@lydell/node-pty'\nimport 'node:fs'\nexport const b = process.pid + a\n`,
    }),
    [],
  )
})

test('words in comments, strings, templates and patterns are not code', () => {
  assert.deepEqual(
    check({
      'wire/codec.ts': `// export default process.exit(), as any\n/* import x from 'node:fs' */\nexport const a = 'process.env' + "Buffer.from" + \`require('x') \${'as any'} as any \${{ b: 1 }.b}\`\nexport const c = /process.exit(["'/]) as any/.test(a)\n`,
      'auth/client.ts': `export const any = { any: 1 }\nexport const d = any.any\nexport const e = 'a' as string\n`,
    }),
    [],
  )
})

describe('each fault is found and names the pair', () => {
  const cases: readonly (readonly [string, Readonly<Record<string, string>>, RegExp])[] = [
    ['an arrow through a name', { 'wire/a.ts': `import '#spare'\n` }, /^wire\/a\.ts → crypto\/web\/spare\.ts: wire may not import crypto$/],
    ['a name that is none', { 'wire/a.ts': `import '#other'\n` }, /^wire\/a\.ts → #other: not a dependency/],
    [
      'an arrow to the right',
      { 'wire/a.ts': `import { b } from '../engine/b.ts'\n`, 'engine/b.ts': 'export const b = 1' },
      /^wire\/a\.ts → engine\/b\.ts: wire may not import engine$/,
    ],
    ['of a type', { 'keys/a.ts': `import type { B } from '../io/b.ts'\n`, 'io/b.ts': 'export type B = 1' }, /^keys\/a\.ts → io\/b\.ts/],
    [
      'over several lines',
      { 'wire/a.ts': `import {\n  b,\n  type C,\n} from '../engine/b.ts'\n`, 'engine/b.ts': '' },
      /^wire\/a\.ts → engine\/b\.ts/,
    ],
    ['of a re-export', { 'wire/a.ts': `export { b } from '../engine/b.ts'\n`, 'engine/b.ts': '' }, /^wire\/a\.ts → engine\/b\.ts/],
    ['of everything', { 'wire/a.ts': `export * from '../engine/b.ts'\n`, 'engine/b.ts': '' }, /^wire\/a\.ts → engine\/b\.ts/],
    [
      'when loaded late',
      { 'wire/a.ts': `export const f = () => import('../engine/b.ts')\n`, 'engine/b.ts': '' },
      /^wire\/a\.ts → engine\/b\.ts/,
    ],
    ['in a type', { 'wire/a.ts': `export type B = import('../engine/b.ts').B\n`, 'engine/b.ts': '' }, /^wire\/a\.ts → engine\/b\.ts/],
    ['transport knowing auth', { 'auth/a.ts': `import '../transport/b.ts'\n`, 'transport/b.ts': '' }, /auth may not import transport$/],
    ['auth knowing connection', { 'auth/a.ts': `import '../connection/b.ts'\n`, 'connection/b.ts': '' }, /auth may not import connection$/],
    [
      'connection knowing transport',
      { 'connection/a.ts': `import '../transport/b.ts'\n`, 'transport/b.ts': '' },
      /connection may not import transport$/,
    ],
    ['neighbours knowing each other', { 'config/a.ts': `import '../keys/b.ts'\n`, 'keys/b.ts': '' }, /config may not import keys$/],
    ['the library using its own index', { 'server/a.ts': `import '../index.ts'\n`, 'index.ts': '' }, /server may not import index$/],
    ['a folder that is no layer', { 'helpers/a.ts': '' }, /^helpers\/a\.ts: helpers is not a layer$/],
    [
      'a cycle of types',
      { 'wire/a.ts': `import type { B } from './b.ts'\n`, 'wire/b.ts': `import type { A } from './a.ts'\n` },
      /^wire\/a\.ts → wire\/b\.ts → wire\/a\.ts: a cycle$/,
    ],
    [
      'node: in the core',
      { 'engine/a.ts': `import { createHash } from 'node:crypto'\n` },
      /^engine\/a\.ts → node:crypto: only files named/,
    ],
    ['process in the core', { 'engine/a.ts': 'export const a = process.env.HOME\n' }, /^engine\/a\.ts: uses Node's process/],
    ['Buffer in the core', { 'io/memory.ts': 'export const a = Buffer.from([])\n' }, /^io\/memory\.ts: uses Node's Buffer/],
    ['Buffer inside a template', { 'io/memory.ts': 'export const a = `${Buffer.from([])}`\n' }, /uses Node's Buffer/],
    ['a default export', { 'wire/a.ts': 'export default 1\n' }, /^wire\/a\.ts: a default export$/],
    ['a default export by name', { 'wire/a.ts': 'const a = 1\nexport { a as default }\n' }, /a default export$/],
    ['any', { 'auth/a.ts': 'export const a = (b: any) => b\n' }, /^auth\/a\.ts: any outside wire$/],
    ['any as an argument', { 'auth/a.ts': 'export type A = Array<any>\n' }, /any outside wire$/],
    ['any as an assertion', { 'auth/a.ts': 'export const a = (1 as any)\n' }, /any outside wire$/],
    ['a package nobody declared', { 'keys/a.ts': `import 'left-pad'\n` }, /^keys\/a\.ts → left-pad: not a dependency/],
    ['the CLI reaching into the library', { 'cli/a.ts': `import '../../nacre/src/errors.ts'\n` }, /^cli\/a\.ts → .*/],
  ]
  for (const [name, files, expected] of cases)
    test(name, () => {
      const faults = check(files)
      assert.ok(
        faults.some(fault => expected.test(fault)),
        `${name}: ${JSON.stringify(faults)}`,
      )
    })
})
