// Owns expand-path@openssh.com: a path without `~`, `~user`, links and dots.
import { whenThere } from '../../io/soon.ts'
import { type Infer, struct } from '../../wire/codec.ts'
import { fileName } from '../names.ts'
import { asBytes, type ExtensionRow } from './row.ts'

const request = struct({ path: fileName })

export const expandPath: ExtensionRow<'expand-path@openssh.com', Infer<typeof request>, string> = {
  name: 'expand-path@openssh.com',
  about: 'resolve a path that may begin with `~` or `~user`',
  announced: () => asBytes('1'),
  request,
  answer: { as: 'name' },
  changes: false,
  paths: ({ path }) => [path],
  serve: (serving, { path }) => {
    const { files } = serving
    const tilde = /^~([^/]*)(.*)$/s.exec(path)
    if (tilde === null) return files.realPath(serving.absolute(path === '' ? '.' : path), false)
    return whenThere(files.home(tilde[1]), home => files.realPath(`${home}${tilde[2]}`, false))
  },
}
