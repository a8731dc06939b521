// Owns importing past faces: in a bundle that is loaded in parts, `import { connect } from 'nacre'` means the file that has `connect`.
// The bundler takes all that a face names for needed by whoever imports from it, and what is loaded later would be loaded at once.
// Knows nothing of the commands.
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import type { Plugin } from 'esbuild'

interface Face {
  /** Where a name comes from. */
  readonly files: ReadonlyMap<string, string>
  /** Of what `export *` takes all. */
  readonly whole: readonly string[]
}

const namesIn = (list: string): readonly string[] =>
  list
    .split(',')
    .map(each => each.trim())
    .filter(each => each !== '')

const faces = new Map<string, Face>()

const readFace = (path: string): Face => {
  const known = faces.get(path)
  if (known !== undefined) return known
  const text = readFileSync(path, 'utf8')
  const at = (from: string): string => resolve(dirname(path), from)
  const face = {
    files: new Map(
      [...text.matchAll(/^export \{([^}]*)\} from '([^']*)'/gm)].flatMap(([, list, from]) =>
        namesIn(list).map(name => [name, at(from)] as const),
      ),
    ),
    whole: [...text.matchAll(/^export \* from '([^']*)'/gm)].map(([, from]) => at(from)),
  }
  faces.set(path, face)
  return face
}

/** The file that has `name`. What is `export *`ed is a face itself, or else the place. */
const fileOf = (path: string, name: string): string | undefined => {
  const { files, whole } = readFace(path)
  const found = files.get(name)
  if (found !== undefined) return found
  for (const each of whole) {
    const inside = fileOf(each, name)
    if (inside !== undefined) return inside
    if (new RegExp(`^export (?:abstract |async )?(?:const|class|function|let) ${name}\\b`, 'm').test(readFileSync(each, 'utf8')))
      return each
  }
  return undefined
}

/** `text` with its imports from the faces of a package turned to the files behind; `faceOf` gives a face's path by its specifier. */
export const pastFaces = (text: string, folder: string, faceOf: (specifier: string) => string | undefined): string =>
  text.replaceAll(/^import \{([^}]*)\} from '([^']*)'/gm, (whole, list: string, specifier: string) => {
    const face = faceOf(specifier)
    if (face === undefined) return whole
    return namesIn(list)
      .filter(each => !each.startsWith('type '))
      .map(each => {
        const file = fileOf(face, each.replace(/ as .*/, ''))
        const from = file === undefined ? specifier : `./${relative(folder, file)}`
        return `import { ${each} } from '${from}'`
      })
      .join('; ')
  })

/** For sources below `sources`, past the faces of the package in `home` that are called `name` and below. */
export const facesPlugin = (sources: string, home: string, name: string): Plugin => {
  const { exports } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as { exports: Record<string, Record<string, unknown>> }
  const faceOf = (specifier: string): string | undefined => {
    if (specifier !== name && !specifier.startsWith(`${name}/`)) return undefined
    const path = exports[`.${specifier.slice(name.length)}`]?.['nacre-source']
    return typeof path === 'string' ? join(home, path) : undefined
  }
  return {
    name: 'faces',
    setup: builder => {
      builder.onLoad({ filter: /\.ts$/ }, async ({ path, namespace }) => {
        if (namespace !== 'file' || !path.startsWith(`${sources}/`)) return undefined
        return { contents: pastFaces(await readFile(path, 'utf8'), dirname(path), faceOf), loader: 'ts' }
      })
    },
  }
}
