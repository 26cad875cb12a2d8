// A gateway with workers that is told to stop, however it is told: unready first, then it drains.
import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { eventually, within } from '../../helpers/deadline.ts';
import { ask, askFresh, isAlive, type Sides, startSides, startWorkers, type WorkersGateway } from './start-workers.ts';

/** Long enough that a loaded machine gets the requests of a test done in it. */
const DELAY_MS = 1_500;

let held: (() => void)[] = [];
let sides: Sides | undefined;
let gateway: WorkersGateway | undefined;
afterEach(async () => {
  for (const release of held) release();
  await gateway?.close();
  await sides?.close();
  [held, sides, gateway] = [[], undefined, undefined];
});

async function start(): Promise<WorkersGateway> {
  sides = await startSides(held);
  gateway = await startWorkers({ workers: 2, sides, routes: [], overrides: { shutdown: { delayMs: DELAY_MS } } });
  return gateway;
}

const isUnready = async ({ server }: WorkersGateway) =>
  (await fetch(`http://${server.listening.operator}/readyz`)).status === 503;
const refuses = ({ url }: WorkersGateway) =>
  ask(url, '/x').then(
    () => false,
    () => true,
  );

describe('a stop', () => {
  for (const [how, signal] of [
    ['SIGTERM to the process that decides', (pid: number) => process.kill(pid, 'SIGTERM')],
    ['SIGTERM to the whole group, as from a service manager', (pid: number) => process.kill(-pid, 'SIGTERM')],
    ['SIGINT to the whole group, as from a terminal', (pid: number) => process.kill(-pid, 'SIGINT')],
  ] as const) {
    it(`by ${how}: unready first, all workers serve on for the delay, then what is under way is finished`, async () => {
      const started = await start();
      const { url, server, instances } = started;
      const workers = (await instances()).map(({ pid }) => pid);
      const slow = Promise.all(Array.from({ length: 6 }, () => ask(url, '/held')));
      await eventually(() => held.length === 6, 'the requests in flight');
      signal(server.pid);
      await eventually(() => isUnready(started), 'readyz to say no');
      const late = await askFresh(url, '/late', 50);
      assert.ok(
        late.every(({ status }) => status === 200),
        'who has not heard of it yet is served',
      );
      assert.ok(workers.every(isAlive), 'by all workers');
      await eventually(() => refuses(started), 'the listener to be closed');
      for (const release of held) release();
      assert.ok((await within(slow, 'the answers in flight')).every(({ status }) => status === 200));
      assert.deepEqual(await within(server.exited, 'the process to end'), { code: 0, signal: null });
      assert.equal(workers.some(isAlive), false);
      assert.equal(server.stderr().includes('worker ended'), false, 'no worker went by itself');
    });
  }

  it('of one worker by its own SIGTERM: that one alone, and it is replaced', async () => {
    const { url, server, instances, whole } = await start();
    const [one = 0, other = 0] = (await instances()).map(({ pid }) => pid);
    process.kill(one, 'SIGTERM');
    const after = (await whole([one])).map(({ pid }) => pid);
    assert.ok(after.includes(other));
    assert.ok((await askFresh(url, '/x', 50)).every(({ status }) => status === 200));
    assert.ok(isAlive(server.pid));
  });
});
