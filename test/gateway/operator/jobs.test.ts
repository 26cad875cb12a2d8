// Data jobs over the API: read from the folder that their processes write to, paused through it, and never guessed.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { jobAskFile, jobStatusFile } from '../../../config/job-files.ts';
import { closingAfterEach } from '../../helpers/closing.ts';
import { followEvents } from '../../helpers/event-source.ts';
import { routeOn, startTestGateway, VIEWER_TOKEN } from '../../helpers/gateway.ts';
import { aJobStatus, writeJobStatus } from '../../helpers/jobs.ts';

const kept = closingAfterEach();
const NOW = '2026-03-02T12:00:03.000Z';
const ANY = { 'if-match': '*' };
const BACKEND = 'http://127.0.0.1:9';

async function withFolder(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'banyan-jobs-'));
  t.after(() => rm(folder, { recursive: true }));
  const routes = [routeOn('/*', { requires: ['orders', 'positions'] })];
  const overrides = { certificates: folder };
  const gateway = await kept(
    startTestGateway({ legacy: BACKEND, new: BACKEND, routes, overrides, now: () => new Date(NOW) }),
  );
  return { folder, gateway };
}

describe('GET /api/jobs', () => {
  it('answers what each job told, and names those that a route needs and nobody ran', async (t) => {
    const { folder, gateway } = await withFolder(t);
    const status = aJobStatus();
    writeJobStatus(folder, status);
    const { body } = await gateway.api('GET', '/api/jobs');
    assert.deepEqual(body.jobs[0], {
      job: 'orders',
      condition: 'running',
      phase: 'copy',
      attention: null,
      silentMs: 3_000,
      status,
      certificate: {
        problem: 'there is no certificate in the folder that certificates names: orders.json',
        at: null,
        validUntil: null,
        rows: null,
      },
      asked: null,
      neededBy: ['test.route'],
      revision: 0,
    });
    const [, positions] = body.jobs;
    assert.deepEqual([positions.job, positions.condition, positions.status], ['positions', 'unknown', null]);
  });

  it('says so when a job says that it runs, and is not heard any more', async (t) => {
    const { folder, gateway } = await withFolder(t);
    writeJobStatus(folder, aJobStatus({ at: '2026-03-02T11:00:00.000Z' }));
    const { body } = await gateway.api('GET', '/api/jobs/orders');
    assert.equal(body.condition, 'silent');
    assert.match(body.attention, /nothing heard for 3603 s/);
  });

  it('survives a file that is no status, one that is too large, and a folder that is not there', async (t) => {
    const { folder, gateway } = await withFolder(t);
    writeFileSync(jobStatusFile(folder, 'orders'), '{"job":"orders"}');
    writeFileSync(jobStatusFile(folder, 'positions'), ' '.repeat(70_000));
    const { body } = await gateway.api('GET', '/api/jobs');
    assert.match(body.jobs[0].attention, /^orders\.status\.json: at: /);
    assert.equal(body.jobs[1].attention, 'positions.status.json is above 65536 bytes');
    writeFileSync(jobStatusFile(folder, 'orders'), 'no JSON');
    rmSync(jobStatusFile(folder, 'positions'));
    mkdirSync(jobStatusFile(folder, 'positions'));
    const unread = (await gateway.api('GET', '/api/jobs')).body;
    assert.deepEqual(
      unread.jobs.map(({ attention }: { attention: string }) => attention),
      ['orders.status.json cannot be read: it is not JSON', 'positions.status.json cannot be read: EISDIR'],
    );
    assert.equal(JSON.stringify(unread).includes(folder), false, 'where this machine keeps them');
    await rm(folder, { recursive: true });
    const { body: without } = await gateway.api('GET', '/api/jobs');
    assert.deepEqual(
      without.jobs.map(({ condition }: { condition: string }) => condition),
      ['unknown', 'unknown'],
    );
    mkdirSync(folder);
  });

  it('is empty without a folder', async () => {
    const gateway = await kept(startTestGateway({ legacy: BACKEND, new: BACKEND }));
    assert.deepEqual((await gateway.api('GET', '/api/jobs')).body, { jobs: [] });
  });
});

describe('pausing a job', () => {
  it('leaves the ask for its process, with who asked and why, and an entry in the audit log', async (t) => {
    const { folder, gateway } = await withFolder(t);
    writeJobStatus(folder, aJobStatus());
    const asked = { paused: true, by: 'ops', at: NOW, reason: 'the source is slow' };
    const body = { paused: true, reason: 'the source is slow' };
    const answer = await gateway.api('PUT', '/api/jobs/orders/paused', body, { 'if-match': '"0"' });
    assert.deepEqual([answer.status, answer.headers.get('etag')], [200, '"1"']);
    assert.deepEqual(answer.body.asked, asked);
    assert.deepEqual(JSON.parse(readFileSync(jobAskFile(folder, 'orders'), 'utf8')), asked);
    const [entry] = (await gateway.api('GET', '/api/audit?limit=1')).body.entries;
    const { action, scope, actor, reason, before, after, evidence } = entry;
    assert.deepEqual(
      { action, scope, actor, reason, before, after, rows: evidence.basis.rows.read },
      {
        ...{ action: 'pause_job', scope: '#job orders', actor: 'ops', reason: 'the source is slow' },
        ...{ before: { paused: false }, after: { paused: true }, rows: 400 },
      },
    );
  });

  it('on what has changed since is refused, with who changed it', async (t) => {
    const { folder, gateway } = await withFolder(t);
    writeJobStatus(folder, aJobStatus());
    await gateway.api('PUT', '/api/jobs/orders/paused', { paused: true, reason: 'first' }, ANY);
    const body = { paused: false, reason: 'second' };
    const late = await gateway.api('PUT', '/api/jobs/orders/paused', body, { 'if-match': '"0"' });
    assert.equal(late.status, 412);
    assert.match(late.body.detail, /the job orders has changed since you looked .* Changed by ops at .*: first/);
    assert.equal(JSON.parse(readFileSync(jobAskFile(folder, 'orders'), 'utf8')).reason, 'first');
    assert.equal((await gateway.api('PUT', '/api/jobs/orders/paused', body)).status, 428);
  });

  it('is for operators, of jobs that are known, and that were run', async (t) => {
    const { folder, gateway } = await withFolder(t);
    const body = { paused: true, reason: 'test' };
    const viewer = { authorization: `Bearer ${VIEWER_TOKEN}`, ...ANY };
    assert.equal((await gateway.api('PUT', '/api/jobs/orders/paused', body, viewer)).status, 403);
    assert.equal((await gateway.api('PUT', '/api/jobs/nothing/paused', body, ANY)).status, 404);
    assert.equal((await gateway.api('PUT', '/api/jobs/..%2Forders/paused', body, ANY)).status, 404);
    const unrun = await gateway.api('PUT', '/api/jobs/positions/paused', body, ANY);
    assert.deepEqual([unrun.status, unrun.body.detail], [409, 'positions was not run yet: there is nothing to pause']);
    assert.equal(existsSync(jobAskFile(folder, 'positions')), false);
    assert.deepEqual((await gateway.api('GET', '/api/audit')).body.entries, []);
  });

  it('in a folder that cannot be written says so, and audits nothing', async (t) => {
    const { folder, gateway } = await withFolder(t);
    writeJobStatus(folder, aJobStatus());
    mkdirSync(`${jobAskFile(folder, 'orders')}.${process.pid}.new`); // Where it would be written first.
    const answer = await gateway.api('PUT', '/api/jobs/orders/paused', { paused: true, reason: 'test' }, ANY);
    assert.equal(answer.status, 500);
    assert.match(answer.body.detail, /orders cannot be asked: EISDIR/);
    assert.deepEqual((await gateway.api('GET', '/api/audit')).body.entries, []);
  });
});

describe('GET /api/events', () => {
  it('tells when a job changes its condition', async (t) => {
    const { folder, gateway } = await withFolder(t);
    const events = await kept(
      followEvents(`${gateway.operatorUrl}/api/events`, { authorization: `Bearer ${VIEWER_TOKEN}` }),
    );
    await events.next(({ name }) => name === 'hello', 'the greeting');
    writeJobStatus(folder, aJobStatus({ at: NOW, paused: true }));
    const isPaused = (data: unknown) => JSON.stringify(data).includes('paused');
    const event = await events.next(({ name, data }) => name === 'jobs' && isPaused(data), 'the pause');
    assert.deepEqual(event.data.jobs[0], { job: 'orders', condition: 'paused', phase: 'copy', attention: null });
  });
});
