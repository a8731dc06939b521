// Owns building the program made of Go's pkg/sftp from Debian's sources, of which nothing is downloaded. Knows nothing of what it does.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { lacks } from './transferrers.ts'

const goPath = '/usr/share/gocode'
const sources = fileURLToPath(new URL('go-sftp', import.meta.url))
/** Kept between runs, as compiling takes a while. */
const built = fileURLToPath(new URL('../dist', import.meta.url))

/** Why the program cannot be built here, or `false`. */
export const lacksGo = (): string | false =>
  lacks('go') || (existsSync(join(goPath, 'src/github.com/pkg/sftp')) ? false : 'golang-github-pkg-sftp-dev is not installed')

/** The program, compiled unless it is newer than its source. */
export const goSftp = (): string => {
  const program = join(built, 'go-sftp')
  const source = join(sources, 'main.go')
  if (existsSync(program) && statSync(program).mtimeMs > statSync(source).mtimeMs) return program
  mkdirSync(built, { recursive: true })
  const env = {
    ...process.env,
    GO111MODULE: 'off',
    GOFLAGS: '',
    GOPATH: goPath,
    GOCACHE: join(built, 'go-cache'),
    CGO_ENABLED: '0',
  }
  // Several tests may be at it at once: the name is taken when all is there.
  const fresh = `${program}.${process.pid}`
  execFileSync('go', ['build', '-o', fresh, '.'], { cwd: sources, env, stdio: 'pipe' })
  execFileSync('mv', [fresh, program])
  return program
}
