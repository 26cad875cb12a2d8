// A real data job under an operator's eyes: what the gateway and its command line say of it is what its ledger and both stores have.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { runCli } from '../../gateway/cli/program.ts';
import { SILENT_MS } from '../../gateway/jobs/job-view.ts';
import { eventually } from '../helpers/deadline.ts';
import { OPERATOR_TOKEN, routeOn, startTestGateway, type TestGateway } from '../helpers/gateway.ts';
import {
  type MigrationServers,
  type MigrationWorld,
  openMigrationServers,
  openMigrationWorld,
  scan,
  seedOrders,
} from '../helpers/migration.ts';

const ROWS = 240;
const CHUNK_ROWS = 20;
const BACKEND = 'http://127.0.0.1:9';

describe('a data job that a gateway watches', () => {
  const tokens = mkdtempSync(join(tmpdir(), 'banyan-job-token-'));
  let servers: MigrationServers;
  let world: MigrationWorld;
  let gateway: TestGateway;
  let passedMs = 0;
  before(async () => {
    writeFileSync(join(tokens, 'token'), OPERATOR_TOKEN);
    servers = await openMigrationServers();
    world = await openMigrationWorld(servers);
    gateway = await startTestGateway({
      ...{ legacy: BACKEND, new: BACKEND, routes: [routeOn('/*', { requires: ['orders'] })] },
      overrides: { certificates: world.certificates },
      now: () => new Date(Date.now() + passedMs),
    });
    await seedOrders(world.pool, ROWS);
    await world.migrate(['setup', 'orders']);
    await world.migrate(['plan', 'orders', '--chunk-rows', String(CHUNK_ROWS)]);
  });
  after(async () => {
    await gateway.close();
    await world.close();
    await servers.close();
    rmSync(tokens, { recursive: true });
  });

  const job = async () => (await gateway.api('GET', '/api/jobs/orders')).body;
  const until = (condition: string) =>
    eventually(async () => {
      const now = await job();
      return now.condition === condition && now.asked === null && now;
    }, `the job to be ${condition}`);
  async function banyan(...args: string[]) {
    const out: string[] = [];
    const err: string[] = [];
    const where = ['--url', gateway.operatorUrl, '--token-file', join(tokens, 'token')];
    const code = await runCli([...where, ...args], { out: (text) => out.push(text), err: (text) => err.push(text) });
    return { code, out: out.join('\n'), err: err.join('\n') };
  }

  it('is not known to have run before it was', async () => {
    assert.deepEqual([(await job()).condition, (await job()).phase], ['unknown', null]);
    assert.match((await banyan('jobs')).out, /^orders +unknown +- +- /m);
  });

  it('pauses when a gateway asks, holds what changes, dies and is said to be silent, and goes on as it was asked', async () => {
    const run = world.start('run', 'orders');
    await eventually(async () => (await job()).phase === 'follow', 'the copy to be done');
    const paused = await banyan('jobs', 'pause', 'orders', '--reason', 'the source is slow');
    assert.deepEqual([paused.code, paused.out], [0, 'orders: asked to pause'], paused.err);
    assert.equal((await until('paused')).status.holding, 'paused by an operator');
    await world.pool.query('update orders set fee = 1');
    await eventually(async () => (await job()).status.changes.waiting === ROWS, 'the changes to be held');

    run.child.kill('SIGKILL');
    await run.ended;
    passedMs = SILENT_MS + 1_000;
    // It was paused, which is still so; its process is gone, which matters more.
    assert.equal((await job()).condition, 'silent');
    assert.match((await banyan('jobs')).err, /orders: nothing heard for \d+ s: its process is gone/);
    assert.equal((await banyan('jobs', 'resume', 'orders', '--reason', 'it is quick again')).code, 0);
    assert.deepEqual([(await job()).asked.paused, (await job()).asked.by], [false, 'ops']);
    passedMs = 0;

    await world.migrate(['run', 'orders', '--until-caught-up']);
    const { status } = await until('caught_up');
    assert.deepEqual([status.paused, status.changes.waiting, status.changes.applied], [false, 0, ROWS]);
    const actions = (await gateway.api('GET', '/api/audit')).body.entries.map(
      ({ action }: { action: string }) => action,
    );
    assert.deepEqual(actions, ['resume_job', 'pause_job']);
  });

  it('has the numbers of its source, its target, its ledger and its certificate', async () => {
    const { rows, chunks } = (await job()).status;
    const counted = Number((await world.pool.query('select count(*) from orders')).rows[0].count);
    let items = 0;
    for await (const _item of scan(world)) items += 1;
    assert.deepEqual(rows, { planned: counted, read: counted, written: items, skipped: 0, rejected: 0 });
    const ledger = JSON.parse((await world.migrate(['--json', 'status', 'orders'])).stdout).jobs[0];
    assert.deepEqual([chunks, rows.written], [ledger.chunks, ledger.counts.rowsWritten]);
    await world.migrate(['verify', 'orders']);
    const { phase, certificate } = await job();
    assert.deepEqual([phase, certificate.problem, certificate.rows], ['verified', null, ROWS]);
    assert.match((await banyan('jobs')).out, /^orders +caught up +verified +240 +240 +240 +0 +0 +240 +0 /m);
  });

  it('is forgotten by gateways when it was reset', async () => {
    await world.migrate(['reset', 'orders']);
    assert.equal((await job()).condition, 'unknown');
  });
});
