// Faults in what sshd_config says for whom: criteria of Match, and which value wins.
import type { Mutant } from './mutant.ts'

const test = 'config/server-match.test.ts'

export const serverConfigurationMutants: readonly Mutant[] = [
  {
    name: 'an address that a list negates matches all the same',
    file: 'config/server-match.ts',
    from: "    if (negated) return 'negated'\n    found = 'matched'\n  }\n  return found\n}\n\n/** Host names",
    to: "    if (negated) continue\n    found = 'matched'\n  }\n  return found\n}\n\n/** Host names",
    test,
    fails: ['address 10.0.0.0/8,!10.1.0.0/16: false', 'address !10.1.0.0/16,10.0.0.0/8: false', 'compares no address with what is none'],
  },
  {
    name: 'a group that a list negates does not keep out who is in another',
    file: 'config/server-match.ts',
    from: '!groups.some(group => refusing.some(pattern => matchesWildcard(pattern, group))) &&',
    to: '',
    test,
    fails: ['group *,!ada: false'],
  },
  {
    name: 'one criterion of a Match line is enough for a server',
    file: 'config/resolve.ts',
    from: 'for (const criterion of criteria) if ((yield* this.#holds(criterion, statement)) === criterion.negated) return false\n    return true',
    to: 'for (const criterion of criteria) if ((yield* this.#holds(criterion, statement)) !== criterion.negated) return true\n    return false',
    test,
    fails: ['all criteria of a line have to hold'],
  },
  {
    name: 'the last block that holds decides instead of the first',
    file: 'config/resolve.ts',
    from: 'if (!isFirst && row.combine === undefined) return',
    to: '',
    test,
    fails: ['is said with the line that decided it, and the Match lines that hold'],
  },
  {
    name: 'a block says nothing against what stands outside of it',
    file: 'config/server-config.ts',
    from: 'values.set(property, value)\n',
    to: 'if (!values.has(property)) values.set(property, value)\n',
    test,
    fails: ['is said with the line that decided it, and the Match lines that hold', 'all criteria of a line have to hold'],
  },
  {
    name: 'whoever cannot be held as a block says is let in without',
    file: 'config/server-config.ts',
    from: '...(matched?.refused ?? [])',
    to: '',
    test,
    fails: ['what blocks say and nobody acts on is said beforehand'],
  },
]
