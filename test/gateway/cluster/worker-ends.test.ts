// Processes that end: by their own request, by the operator's, killed, hung. What others have in hand is not touched.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, it } from 'node:test';
import { eventually, within } from '../../helpers/deadline.ts';
import {
  ask,
  askFresh,
  isAlive,
  keptAlive,
  type Sides,
  startSides,
  startWorkers,
  type WorkersGateway,
} from './start-workers.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const CLIENTS = 16;
const routes = [
  { id: 'moved', match: { methods: ['*'], path: '/api/moved/*' } },
  { id: 'copied', initialStage: 'shadow', match: { methods: ['*'], path: '/api/copied/*' } },
];

let held: (() => void)[] = [];
let sides: Sides | undefined;
let gateway: WorkersGateway | undefined;
afterEach(async () => {
  for (const release of held) release();
  await gateway?.close();
  await sides?.close();
  [held, sides, gateway] = [[], undefined, undefined];
});

async function start(workers: number, options: { listen?: string } = {}): Promise<WorkersGateway> {
  sides = await startSides(held);
  gateway = await startWorkers({ workers, sides, routes, ...options });
  return gateway;
}

/** Clients that ask all the time, each over one connection that it keeps; what fails is kept apart, by client. */
function load(url: string, path: string, clients: number) {
  const failed: number[] = Array.from({ length: clients }, () => 0);
  let answered = 0;
  let isOver = false;
  const client = async (number: number) => {
    const agent = keptAlive(1);
    while (!isOver) {
      const status = await ask(url, path, agent).then(
        (answer) => answer.status,
        () => 0,
      );
      if (status === 200) answered++;
      else failed[number] = (failed[number] ?? 0) + 1;
    }
    agent.destroy();
  };
  const running = Promise.all(failed.map((_, number) => client(number)));
  return {
    failed: failed as readonly number[],
    get answered() {
      return answered;
    },
    async stop() {
      isOver = true;
      await within(running, 'the clients to stop');
    },
  };
}

const pidsOf = (instances: readonly { pid: number }[]) => instances.map(({ pid }) => pid);

describe('a worker that is killed under load', () => {
  it('takes with it only what it had in hand, and is replaced; what it had counted stays counted', async () => {
    const { url, instances, whole, metric, api } = await start(2);
    const traffic = load(url, '/api/copied/x', CLIENTS);
    const [victim = 0, other = 0] = pidsOf(await instances());
    for (let kills = 1; kills <= 2; kills++) {
      const before = traffic.answered;
      await eventually(() => traffic.answered > before + 300, 'some answers');
      const counted = await metric('banyan_requests_total');
      const killed = kills === 1 ? victim : (pidsOf(await instances()).find((pid) => pid !== other) ?? 0);
      process.kill(killed, 'SIGKILL');
      const after = pidsOf(await whole([killed]));
      assert.ok(after.includes(other), 'the other worker has gone on');
      // Each client has one request under way, so it can lose one a kill; and none once the worker is gone.
      assert.ok(
        traffic.failed.every((count) => count <= kills),
        `failed: ${traffic.failed.join(' ')}`,
      );
      assert.ok((await metric('banyan_requests_total')) >= counted, 'counters never fall');
    }
    const failedBefore = traffic.failed.reduce((sum, count) => sum + count, 0);
    await askFresh(url, '/api/copied/x', 200);
    await traffic.stop();
    assert.equal(
      traffic.failed.reduce((sum, count) => sum + count, 0),
      failedBefore,
    );
    assert.equal(await metric('banyan_worker_ends_total', 'how="signal"'), 2);
    assert.equal(await metric('banyan_workers'), 2);
    // What a dead worker had pending is dropped by name: nothing that was eligible vanishes.
    const evidence = await eventually(async () => {
      const { body } = await api('GET', '/api/routes/copied/comparisons');
      return body.pending === 0 && body;
    }, 'no comparison to be pending');
    const outcomes = Object.values<number>(evidence.outcomes).reduce((sum, count) => sum + count, 0);
    assert.equal(outcomes, evidence.eligible);
  });

  it('is missed in the status until it is replaced', async () => {
    const { instances, whole, api } = await start(2);
    const [victim = 0] = pidsOf(await instances());
    process.kill(victim, 'SIGKILL');
    const { warnings, workers } = await eventually(async () => {
      const { body } = await api('GET', '/api/status');
      return body.warnings.length > 0 && body;
    }, 'a warning');
    assert.deepEqual(workers, { wanted: 2, serving: 1 });
    assert.match(
      warnings.join(),
      new RegExp(`1 of 2 workers do not serve; the last to end was pid ${victim} \\(SIGKILL\\)`),
    );
    await whole([victim]);
    assert.deepEqual((await api('GET', '/api/status')).body.warnings, []);
  });

  it('together with all others leaves the port to their replacements, which know the latest state', async () => {
    const { url, instances, whole, api } = await start(2);
    await api('PUT', '/api/routes/moved/stage', { stage: 'live', reason: 'test' });
    const before = pidsOf(await instances());
    for (const pid of before) process.kill(pid, 'SIGKILL');
    await whole(before);
    const answers = await askFresh(url, '/api/moved/1', 50);
    assert.deepEqual(new Set(answers.map(({ by }) => by)), new Set(['new']));
  });
});

describe('a worker that hangs', () => {
  it('does not hold up a rollback for long, is said not to follow, and serves nothing by the old side', async () => {
    const { url, instances, whole, api, metric } = await start(2);
    await api('PUT', '/api/routes/moved/stage', { stage: 'live', reason: 'test' });
    const [hung = 0] = pidsOf(await instances());
    process.kill(hung, 'SIGSTOP');
    const startedAt = performance.now();
    const { status, body } = await within(
      api('POST', '/api/routes/moved/rollback', { reason: 'test' }),
      'the rollback',
      5_000,
    );
    const tookMs = performance.now() - startedAt;
    assert.deepEqual([status, body.acknowledged], [200, { workers: 1, of: 2 }]);
    assert.ok(tookMs >= 900 && tookMs < 3_000, `${tookMs} ms`);
    assert.equal(isAlive(hung), false, 'by the time of the answer it is gone');
    const answers = await askFresh(url, '/api/moved/1', 100);
    assert.deepEqual(new Set(answers.map(({ by }) => by)), new Set(['legacy']));
    await whole([hung]);
    const replaced = await askFresh(url, '/api/moved/1', 100);
    assert.deepEqual(new Set(replaced.map(({ by }) => by)), new Set(['legacy']));
    assert.equal(await metric('banyan_worker_ends_total', 'how="unresponsive"'), 1);
    const audit = await api('GET', '/api/audit?route=moved&limit=1');
    assert.match(audit.body.entries[0]?.reason ?? '', /in force on 1 of 2 workers; the others did not answer/);
  });
});

describe('a worker that is asked to end', () => {
  it('finishes what it has, and is replaced without any client noticing', async () => {
    const { url, instances, whole } = await start(2);
    // Connections of their own: on a kept one a client may write just as the worker closes it.
    let isOver = false;
    const answers: number[] = [];
    const clients = Array.from({ length: 8 }, async () => {
      while (!isOver) answers.push((await ask(url, '/api/moved/1')).status);
    });
    for (const pid of pidsOf(await instances())) {
      process.kill(pid, 'SIGTERM');
      await whole([pid]);
    }
    isOver = true;
    await within(Promise.all(clients), 'the clients');
    assert.ok(answers.length > 0 && answers.every((status) => status === 200));
  });
});

describe('the process that decides', () => {
  it('killed, then its workers end too, and leave the port', async () => {
    const { url, instances, server } = await start(2);
    const workers = pidsOf(await instances());
    server.kill('SIGKILL');
    await eventually(() => !workers.some(isAlive), 'the workers to end');
    await assert.rejects(ask(url, '/api/moved/1'), { code: 'ECONNREFUSED' });
  });

  it('told to stop, then requests in flight are finished by the workers and it exits with 0', async () => {
    const { url, instances, server } = await start(2);
    const workers = pidsOf(await instances());
    const slow = Promise.all(Array.from({ length: 6 }, () => ask(url, '/held')));
    await eventually(() => held.length === 6, 'the requests in flight');
    server.kill('SIGTERM');
    const operator = `http://${server.listening.operator}`;
    await eventually(async () => (await fetch(`${operator}/readyz`)).status === 503, 'readyz to say no');
    await eventually(
      () =>
        ask(url, '/x').then(
          () => false,
          () => true,
        ),
      'the listener to be closed',
    );
    for (const release of held) release();
    assert.ok((await within(slow, 'the answers in flight')).every(({ status }) => status === 200));
    assert.deepEqual(await within(server.exited, 'the process to end'), { code: 0, signal: null });
    assert.equal(workers.some(isAlive), false);
  });

  it('whose port is taken exits with 1, names it, and leaves no worker behind', async () => {
    const { url, folder, server } = await start(2);
    const file = join(folder, 'taken.json');
    const config = JSON.parse(readFileSync(join(folder, 'banyan.json'), 'utf8'));
    const listen = new URL(url).host;
    writeFileSync(file, JSON.stringify({ ...config, listen, ledger: `sqlite:${join(folder, 'other.db')}` }));
    const env = { ...process.env, TEST_TOKEN: 'x' };
    const child = spawn(process.execPath, ['gateway/main.ts', '--config', file], { cwd: ROOT, env });
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    const [code] = await within(once(child, 'close'), 'the process to end', 20_000);
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`cannot listen on ${listen}.*another process listens there`));
    assert.equal((await ask(url, '/x')).status, 200, 'the first is not disturbed');
    assert.ok(isAlive(server.pid));
  });
});
