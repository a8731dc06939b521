// Owns compiling the library's WebAssembly: each `.as` file under crypto/wasm into a `-binary.ts` beside it, as base64 with
// the hash of its source. Run it by hand after a change: `npx node tools/build-wasm.ts`. It fetches the compiler, which is
// 100 MB and therefore no dependency; a test fails when source and binary do not belong together.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const compiler = 'assemblyscript@0.28.20'
const flags = ['-O3', '--noAssert', '--runtime', 'stub', '--enable', 'simd', '--initialMemory', '1', '--use', 'abort=']

const folder = fileURLToPath(new URL('../packages/nacre/src/crypto/wasm/', import.meta.url))

const lines = (text: string, width: number): string[] => text.match(new RegExp(`.{1,${width}}`, 'g')) ?? []

const compile = (name: string, scratch: string): void => {
  const source = join(folder, `${name}.as`)
  const copy = join(scratch, `${name}.ts`)
  const output = join(scratch, `${name}.wasm`)
  copyFileSync(source, copy)
  execFileSync('npx', ['--yes', `--package=${compiler}`, 'asc', copy, ...flags, '-o', output], { stdio: 'inherit' })
  const binary = readFileSync(output)
  const text = [
    `// Made by tools/build-wasm.ts from ${name}.as; do not edit. Owns the compiled bytes as text, so that bundlers need no`,
    '// loader for them.',
    '',
    '/** SHA-256 of the source this was compiled from. */',
    `export const sourceSha256 = '${createHash('sha256').update(readFileSync(source)).digest('hex')}'`,
    '',
    `/** ${binary.length} bytes of WebAssembly in base64. */`,
    'export const binary =',
    lines(binary.toString('base64'), 120)
      .map(line => `  '${line}'`)
      .join(' +\n'),
    '',
  ].join('\n')
  writeFileSync(join(folder, `${name}-binary.ts`), text)
  console.log(`${name}: ${binary.length} bytes of WebAssembly`)
}

const scratch = mkdtempSync(join(tmpdir(), 'nacre-wasm-'))
try {
  for (const name of ['chacha-poly', 'gcm']) compile(name, scratch)
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
