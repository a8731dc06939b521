// Owns the encoded terminal modes of a pty-req (RFC 4254 §8): names, opcodes and their codec. Knows nothing of termios; a
// value is what the client's terminal had, in the client's own numbers.
import { WireError } from '../errors.ts'
import { type Codec, nested } from '../wire/codec.ts'

/** Opcodes by name. From RFC 4254 §8, and IUTF8 from RFC 8160. */
export const terminalModeOpcodes = {
  VINTR: 1,
  VQUIT: 2,
  VERASE: 3,
  VKILL: 4,
  VEOF: 5,
  VEOL: 6,
  VEOL2: 7,
  VSTART: 8,
  VSTOP: 9,
  VSUSP: 10,
  VDSUSP: 11,
  VREPRINT: 12,
  VWERASE: 13,
  VLNEXT: 14,
  VFLUSH: 15,
  VSWTCH: 16,
  VSTATUS: 17,
  VDISCARD: 18,
  IGNPAR: 30,
  PARMRK: 31,
  INPCK: 32,
  ISTRIP: 33,
  INLCR: 34,
  IGNCR: 35,
  ICRNL: 36,
  IUCLC: 37,
  IXON: 38,
  IXANY: 39,
  IXOFF: 40,
  IMAXBEL: 41,
  IUTF8: 42,
  ISIG: 50,
  ICANON: 51,
  XCASE: 52,
  ECHO: 53,
  ECHOE: 54,
  ECHOK: 55,
  ECHONL: 56,
  NOFLSH: 57,
  TOSTOP: 58,
  IEXTEN: 59,
  ECHOCTL: 60,
  ECHOKE: 61,
  PENDIN: 62,
  OPOST: 70,
  OLCUC: 71,
  ONLCR: 72,
  OCRNL: 73,
  ONOCR: 74,
  ONLRET: 75,
  CS7: 90,
  CS8: 91,
  PARENB: 92,
  PARODD: 93,
  TTY_OP_ISPEED: 128,
  TTY_OP_OSPEED: 129,
} as const
export type TerminalModeName = keyof typeof terminalModeOpcodes

/** An opcode between 1 and 159 that has no name here. */
export type UnknownTerminalMode = `opcode-${number}`

/**
 * Modes by name. Flags are 0 or 1, control characters are character codes with 255 for none, speeds are bits per second.
 * What is left out is for the server to choose.
 */
export type TerminalModes = { readonly [N in TerminalModeName | UnknownTerminalMode]?: number }

const names: readonly (TerminalModeName | undefined)[] = (() => {
  const table: (TerminalModeName | undefined)[] = Array.from({ length: 160 })
  for (const name of Object.keys(terminalModeOpcodes) as TerminalModeName[]) table[terminalModeOpcodes[name]] = name
  return table
})()

const end = 0
/** Opcodes from here on are not defined, and end the list where they stand (RFC 4254 §8). */
const firstUndefined = 160

const opcodeOf = (name: string): number => {
  if (Object.hasOwn(terminalModeOpcodes, name)) return terminalModeOpcodes[name as TerminalModeName]
  const opcode = /^opcode-([1-9][0-9]{0,2})$/.exec(name)?.[1]
  if (opcode === undefined || Number(opcode) >= firstUndefined) throw new WireError(`"${name}" is no terminal mode`)
  return Number(opcode)
}

const list: Codec<TerminalModes> = {
  // A list that simply stops is whole: some clients send an empty one. What follows the end has no meaning.
  read(reader) {
    const modes: Record<string, number> = {}
    while (reader.remaining > 0) {
      const opcode = reader.byte()
      if (opcode === end || opcode >= firstUndefined) break
      modes[names[opcode] ?? `opcode-${opcode}`] = reader.uint32()
    }
    reader.rest()
    return modes
  },
  write(writer, modes) {
    for (const [name, value] of Object.entries(modes)) {
      if (value === undefined) continue
      writer.byte(opcodeOf(name))
      writer.uint32(value)
    }
    writer.byte(end)
  },
}

/** The `encoded terminal modes` string of a pty-req. Throws `WireError` when an opcode lacks its argument. */
export const terminalModes: Codec<TerminalModes> = nested(list)
