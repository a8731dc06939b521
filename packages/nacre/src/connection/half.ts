// Owns the states of one direction of a channel and the steps between them. A channel is two of these, ours and theirs,
// which move on their own. The picture in the docs is drawn from this table.

/** `open`: data may come. `eof`: no more data, requests still may. `closed`: nothing more at all. */
export type Half = 'open' | 'eof' | 'closed'

/** What the sender of this direction does. Window adjusts and replies are about the other direction and no steps here. */
export type HalfStep = 'data' | 'request' | 'eof' | 'close'

/** Where a step leads; a step that is not listed breaks RFC 4254 §5.3. */
export const halfTransitions: { readonly [H in Half]: { readonly [S in HalfStep]?: Half } } = {
  open: { data: 'open', request: 'open', eof: 'eof', close: 'closed' },
  // Go's x/crypto says it twice when a program closes its end twice, as rclone does; there is nothing in it to misunderstand.
  eof: { request: 'eof', eof: 'eof', close: 'closed' },
  closed: {},
}

/** The table as a Mermaid state diagram, for the docs. */
export const drawHalf = (): string => {
  const lines = ['stateDiagram-v2', '  [*] --> open']
  for (const [from, steps] of Object.entries(halfTransitions)) {
    for (const [step, to] of Object.entries(steps)) lines.push(`  ${from} --> ${to}: ${step}`)
  }
  return [...lines, '  closed --> [*]', ''].join('\n')
}
