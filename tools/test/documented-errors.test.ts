// Every code an error can have stands in docs/errors.md, with what to do about it.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { it } from 'node:test'

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8')

it('every code of errors.ts is in the table for people', () => {
  const codes = [...read('../../packages/nacre/src/errors.ts').matchAll(/'([A-Z]{3,}(?:_[A-Z]+)*)'/g)].map(([, code]) => code)
  assert.ok(codes.length > 30)
  const table = read('../../docs/errors.md')
  for (const code of codes) assert.ok(table.includes(`\`${code}\``), `${code} is not in docs/errors.md`)
})
