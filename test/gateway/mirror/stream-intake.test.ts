import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { createIntake } from '../../../gateway/mirror/stream-intake.ts';

function intake({ hearsClient = true } = {}) {
  const found: string[] = [];
  let clock = 0;
  const made = createIntake(
    {
      fromServer: (chunk, atMs) => found.push(`server ${chunk.length} at ${atMs}`),
      fromClient: hearsClient ? (chunk) => found.push(`client ${chunk}`) : undefined,
      behind: () => found.push('behind'),
      closed: () => found.push('closed'),
    },
    () => ++clock,
  );
  return { made, found };
}

describe('what reads a stream along', () => {
  it('reads later than it hears, what it was at its time, even where the memory has been given back', async () => {
    const found: string[] = [];
    const quiet = { behind() {}, closed() {}, fromClient: undefined };
    const made = createIntake({ ...quiet, fromServer: (chunk, atMs) => found.push(`${chunk} at ${atMs}`) }, () => 7);
    const chunk = Buffer.from('said');
    made.fromServer(chunk);
    chunk.fill('x');
    assert.deepEqual(found, []);
    await turn();
    assert.deepEqual(found, ['said at 7']);
  });

  it('reads all that came before the end, in order', async () => {
    const { made, found } = intake();
    made.fromServer(Buffer.alloc(3));
    made.fromClient(Buffer.from('hi'));
    made.fromServer(Buffer.alloc(200_000));
    made.fromServer(Buffer.alloc(4));
    made.closed();
    for (let turns = 0; turns < 5; turns++) await turn();
    assert.deepEqual(found, ['server 3 at 1', 'client hi', 'server 200000 at 3', 'server 4 at 4', 'closed']);
  });

  it('is behind when more comes than may lie unread, and takes nothing more', async () => {
    const { made, found } = intake();
    for (let i = 0; i < 20; i++) made.fromServer(Buffer.alloc(100_000));
    made.closed();
    await turn();
    await turn();
    assert.deepEqual(found, ['behind']);
  });

  it('keeps nothing of a client that nobody listens to', async () => {
    const { made, found } = intake({ hearsClient: false });
    for (let i = 0; i < 20; i++) made.fromClient(Buffer.alloc(100_000));
    await turn();
    assert.deepEqual(found, []);
  });
});
