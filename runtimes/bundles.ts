// Owns the proof that nacre bundles: two small programs through each bundler, no warning, nothing of Node in what is for
// browsers, and the one for Node run. Knows the bundlers by name only.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { bundlers } from './bundles/bundlers.ts'

export interface BundleSize {
  readonly bundler: string
  readonly platform: 'browser' | 'node'
  /** KiB, minified, and that in gzip. */
  readonly minified: number
  readonly gzipped: number
}

const program = (name: string): string => fileURLToPath(new URL(`bundles/${name}.js`, import.meta.url))

const check = (platform: 'browser' | 'node', folder: string, files: readonly string[]): void => {
  if (platform === 'browser') {
    for (const text of files) {
      const found = /.{0,60}["'`]node:.{0,40}/.exec(text)
      if (found !== null) throw new Error(`there is something of Node in a bundle for browsers: ${found[0]}`)
    }
    return
  }
  const said = execFileSync(process.execPath, [join(folder, 'out.mjs')], { encoding: 'utf8', timeout: 30_000 }).trim()
  if (said !== 'ada ran it') throw new Error(`the bundled program said ${JSON.stringify(said)}`)
}

/** Bundles everything with everything. Throws at the first warning. */
export const bundleAll = async (): Promise<readonly BundleSize[]> => {
  const sizes: BundleSize[] = []
  for (const [bundler, bundle] of Object.entries(bundlers)) {
    for (const platform of ['browser', 'node'] as const) {
      const folder = mkdtempSync(join(tmpdir(), 'nacre-bundle-'))
      try {
        const { warnings, files } = await bundle({ entry: program(platform), platform, folder })
        if (warnings.length > 0) throw new Error(`${bundler} warns of the program for ${platform}:\n${warnings.join('\n')}`)
        check(platform, folder, files)
        const text = files.join('')
        sizes.push({ bundler, platform, minified: Math.round(text.length / 1024), gzipped: Math.round(gzipSync(text).length / 1024) })
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    }
  }
  return sizes
}
