// Ten thousand forwarded connections over one connection of SSH at once, in memory, both ways; and what is left of them afterwards.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { quiet } from '../io/fixtures.ts'
import { bytesOf, echoing, exchange, world } from './forward-fixtures.ts'

const crowd = 10_000
const limits = { maximumChannels: 2 * crowd, maximumPendingOpens: 2 * crowd }

it('ten thousand connections to the server at once, each with its own answer', async () => {
  await using at = await world({ client: { limits }, server: { limits } })
  const taken = await echoing(at.there, { host: 'db', port: 1 })
  const forward = await at.client.forward({ listen: '/s', to: 'db:1' })
  const sockets = await Promise.all(Array.from({ length: crowd }, () => at.here.connect({ path: '/s' })))
  while (at.client.link.openChannels < crowd) await quiet(1)
  assert.deepEqual([forward.counts.open, taken.length], [crowd, crowd])
  const answers = await Promise.all(sockets.map((socket, index) => exchange(socket, `number ${index}`)))
  for (const [index, answer] of answers.entries()) assert.equal(answer, `number ${index}`)
  await quiet(50)
  assert.deepEqual([forward.counts.open, forward.counts.total, forward.counts.refused, at.client.link.openChannels], [0, crowd, 0, 0])
})

it('ten thousand connections from the server at once', async () => {
  await using at = await world({ client: { limits }, server: { limits } })
  await echoing(at.here, { host: 'db', port: 1 })
  const forward = await at.client.reverse({ listen: 80, to: 'db:1' })
  const streams = await Promise.all(Array.from({ length: crowd }, () => at.connected('localhost', 80)))
  assert.equal(forward.counts.open, crowd)
  const one = streams[crowd >> 1]
  await one.write(bytesOf('one of many'))
  one.end()
  let text = ''
  for await (const chunk of one.readable) text += new TextDecoder().decode(chunk)
  assert.equal(text, 'one of many')
  for (const stream of streams) stream.abort()
  await quiet(50)
  assert.deepEqual([forward.counts.open, at.client.link.openChannels], [0, 0])
})
