// Owns home-directory: where a user's home is (draft-ietf-secsh-filexfer-extensions-00 §5).
import { whenThere } from '../../io/soon.ts'
import { type Infer, struct } from '../../wire/codec.ts'
import { fileName } from '../names.ts'
import { asBytes, type ExtensionRow } from './row.ts'

const request = struct({ user: fileName })

export const homeDirectory: ExtensionRow<'home-directory', Infer<typeof request>, string> = {
  name: 'home-directory',
  about: "ask for the home of a user, or for one's own",
  announced: () => asBytes('1'),
  request,
  answer: { as: 'name' },
  changes: false,
  serve: ({ files }, { user }) => whenThere(files.home(user), home => files.realPath(home, false)),
}
