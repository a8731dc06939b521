// Owns users-groups-by-id@openssh.com: names of users and groups by their numbers.
import { SftpError } from '../../errors.ts'
import { whenThere } from '../../io/soon.ts'
import { type Infer, nested, repeated, struct, uint32 } from '../../wire/codec.ts'
import { fileName } from '../names.ts'
import { asBytes, type ExtensionRow } from './row.ts'

/** Numbers asked for at once, and names that are answered. */
const most = 16_384

const ids = nested(repeated(uint32, most))
const names = nested(repeated(fileName, most))
const request = struct({ users: ids, groups: ids })
const answer = struct({ users: names, groups: names })

export const usersGroupsById: ExtensionRow<'users-groups-by-id@openssh.com', Infer<typeof request>, Infer<typeof answer>> = {
  name: 'users-groups-by-id@openssh.com',
  about: 'ask for the names of users and groups',
  announced: () => asBytes('1'),
  request,
  answer: { as: 'fields', fields: answer },
  changes: false,
  serve: ({ files }, { users, groups }) => {
    if (users.length + groups.length > most) throw new SftpError('invalid-parameter', `At most ${most} names can be asked for at once.`)
    return whenThere(files.namesOf('user', users), userNames =>
      whenThere(files.namesOf('group', groups), groupNames => ({ users: userNames, groups: groupNames })),
    )
  },
}
