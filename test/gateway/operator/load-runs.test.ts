// Load comparisons over the API and the command line: what was written is what is told, and a bad file is no more than a sentence.
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import {
  LOAD_REPORT_BYTES_MAX,
  LOAD_RUNS_MAX,
  loadRunFile,
  loadRunId,
  loadRunsFolder,
} from '../../../config/load-report.ts';
import { runCli } from '../../../gateway/cli/program.ts';
import { closingAfterEach } from '../../helpers/closing.ts';
import { OPERATOR_TOKEN, startTestGateway } from '../../helpers/gateway.ts';
import { keepLoadRun } from '../../helpers/load-runs.ts';

const kept = closingAfterEach();
const BACKEND = 'http://127.0.0.1:9';
const MONDAY = '2026-03-02T10:00:00.000Z';
const TUESDAY = '2026-03-03T10:00:00.000Z';

async function withFolder(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'banyan-load-runs-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const gateway = await kept(startTestGateway({ legacy: BACKEND, new: BACKEND, overrides: { loadRuns: folder } }));
  return { folder, gateway };
}

describe('GET /api/load-runs', () => {
  it('tells of each run its verdict, what the gateway adds and the p95 of each target, the oldest first', async (t) => {
    const { folder, gateway } = await withFolder(t);
    const slow = keepLoadRun(folder, TUESDAY, { gateway: 12 });
    const quick = keepLoadRun(folder, MONDAY);
    const { runs, problems } = (await gateway.api('GET', '/api/load-runs')).body;
    assert.deepEqual(problems, []);
    assert.deepEqual(
      runs.map(({ id, at, met }: { id: string; at: string; met: boolean }) => [id, at, met]),
      [
        ['20260302T100000000Z', MONDAY, true],
        ['20260303T100000000Z', TUESDAY, false],
      ],
    );
    const [monday, tuesday] = runs;
    assert.equal(tuesday.limits.missed, 2);
    const overhead = (report: typeof slow, measure: string) =>
      report.verdicts.find((each) => each.measure === measure)?.measured;
    assert.deepEqual(tuesday.overheadMs, { p50: overhead(slow, 'overheadP50'), p95: overhead(slow, 'overheadP95') });
    assert.equal(Number(tuesday.overheadMs.p50.value.toFixed(6)), 10);
    assert.equal(monday.limits.met, quick.verdicts.length);
    assert.deepEqual(
      Object.values(monday.meanP95Ms),
      quick.arms.map(({ p95 }) => p95?.value),
    );
    assert.deepEqual([monday.load, monday.machine], [quick.load, quick.machine]);
  });

  it('follows a run that is written anew, and one that goes', async (t) => {
    const { folder, gateway } = await withFolder(t);
    const list = async () => (await gateway.api('GET', '/api/load-runs')).body.runs;
    keepLoadRun(folder, MONDAY);
    assert.equal((await list())[0].met, true);
    keepLoadRun(folder, MONDAY, { gateway: 12 });
    utimesSync(loadRunFile(folder, loadRunId(MONDAY), 'json'), 1_000, 1_000); // However fast that was.
    assert.equal((await list())[0].met, false);
    rmSync(loadRunFile(folder, loadRunId(MONDAY), 'json'));
    assert.deepEqual(await list(), []);
  });

  it('names files that are no report, without the folder, beside those that are', async (t) => {
    const { folder, gateway } = await withFolder(t);
    keepLoadRun(folder, TUESDAY);
    const spoil = (minute: string, text: string) =>
      writeFileSync(loadRunFile(folder, loadRunId(`2026-03-02T10:${minute}:00.000Z`), 'json'), text);
    spoil('01', 'no JSON');
    spoil('02', '{"version":1}');
    spoil('03', ' '.repeat(LOAD_REPORT_BYTES_MAX + 1));
    mkdirSync(loadRunFile(folder, loadRunId('2026-03-02T10:04:00.000Z'), 'json'));
    writeFileSync(join(loadRunsFolder(folder), 'notes.json'), 'nobody asked');
    const { runs, problems } = (await gateway.api('GET', '/api/load-runs')).body;
    assert.equal(runs.length, 1);
    assert.deepEqual(
      problems.map(({ run, problem }: { run: string; problem: string }) => `${run.slice(9, 13)} ${problem}`),
      [
        '1001 it is not JSON',
        '1002 it is no report of this version: version: Invalid input: expected 2',
        `1003 it is above ${LOAD_REPORT_BYTES_MAX} bytes`,
        '1004 it cannot be read: EISDIR',
      ],
    );
    const spoilt = await gateway.api('GET', '/api/load-runs/20260302T100100000Z');
    assert.deepEqual(
      [spoilt.status, spoilt.body.detail],
      [409, 'the report of 20260302T100100000Z cannot be shown: it is not JSON'],
    );
  });

  it(`looks at the latest ${LOAD_RUNS_MAX} only`, async (t) => {
    const { folder, gateway } = await withFolder(t);
    mkdirSync(loadRunsFolder(folder));
    for (let n = 0; n <= LOAD_RUNS_MAX; n++) {
      const at = new Date(Date.parse(MONDAY) + n * 60_000).toISOString();
      writeFileSync(loadRunFile(folder, loadRunId(at), 'json'), '{}');
    }
    const { problems } = (await gateway.api('GET', '/api/load-runs')).body;
    assert.deepEqual([problems.length, problems[0].run], [LOAD_RUNS_MAX, '20260302T100100000Z']);
  });

  it('is empty without a folder, and with one that is not there', async (t) => {
    const { folder, gateway } = await withFolder(t);
    await rm(folder, { recursive: true });
    assert.deepEqual((await gateway.api('GET', '/api/load-runs')).body, { runs: [], problems: [] });
    const none = await kept(startTestGateway({ legacy: BACKEND, new: BACKEND }));
    assert.deepEqual((await none.api('GET', '/api/load-runs')).body, { runs: [], problems: [] });
    assert.equal((await none.api('GET', '/api/load-runs/20260302T100000000Z')).status, 404);
  });
});

describe('one load run', () => {
  it('is the report that was written, but for its seconds', async (t) => {
    const { folder, gateway } = await withFolder(t);
    const { version, series, ...written } = keepLoadRun(folder, MONDAY);
    const { status, body } = await gateway.api('GET', '/api/load-runs/20260302T100000000Z');
    assert.equal(status, 200);
    assert.deepEqual(body, { id: '20260302T100000000Z', ...written });
  });

  it('of no such name is not there, also where the name leads out of the folder', async (t) => {
    const { folder, gateway } = await withFolder(t);
    keepLoadRun(folder, MONDAY);
    for (const name of ['20260302T100000001Z', '..%2Fcompare', '%2e%2e%2fcompare', 'notes'])
      for (const rest of ['', '/page'])
        assert.equal((await gateway.api('GET', `/api/load-runs/${name}${rest}`)).status, 404, name + rest);
  });

  it('has its page served in a sandbox: no script, no form, no origin, nothing from elsewhere', async (t) => {
    const { folder, gateway } = await withFolder(t);
    keepLoadRun(folder, MONDAY);
    const { status, headers, body } = await gateway.api('GET', '/api/load-runs/20260302T100000000Z/page');
    assert.equal(status, 200);
    assert.match(body, /^<!doctype html>/);
    assert.equal(
      headers.get('content-security-policy'),
      "sandbox; default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    );
    assert.equal(headers.get('x-content-type-options'), 'nosniff');
    assert.equal(headers.get('cache-control'), 'no-store');
  });
});

describe('banyan loads', () => {
  it('lists the runs, the latest first, and shows one', async (t) => {
    const { folder, gateway } = await withFolder(t);
    const tokenFile = join(folder, 'token');
    writeFileSync(tokenFile, OPERATOR_TOKEN);
    const banyan = async (...args: string[]) => {
      const [out, err]: [string[], string[]] = [[], []];
      const all = ['--url', gateway.operatorUrl, '--token-file', tokenFile, 'loads', ...args];
      const code = await runCli(all, { out: (text) => void out.push(text), err: (text) => void err.push(text) });
      return { code, out: out.join('\n'), err: err.join('\n') };
    };
    assert.equal((await banyan()).out, 'no load run was kept');
    keepLoadRun(folder, MONDAY);
    keepLoadRun(folder, TUESDAY, { gateway: 12 });
    writeFileSync(loadRunFile(folder, '20260304T100000000Z', 'json'), '');
    const { code, out, err } = await banyan();
    assert.deepEqual([code, err], [0, 'note: 20260304T100000000Z: it is not JSON']);
    const [head, latest, first] = out.split('\n');
    assert.match(head ?? '', /^RUN +VERDICT +MISSED +UNCLEAR +LOAD +ADDS P50 MS +ADDS P95 MS +P95 MS L\/N\/G$/);
    assert.match(
      latest ?? '',
      /^20260303T100000000Z +not every limit met +2 +0 +6 x 10 s at 20\/s +10\.00 +10\.00 +2\.1 \/ 2\.1 \/ 12\.1$/,
    );
    assert.match(first ?? '', /^20260302T100000000Z +every limit met +0 +0 .* 0\.50 +0\.50 +2\.1 \/ 2\.1 \/ 2\.6$/);
    const one = await banyan('20260303T100000000Z');
    assert.match(one.out, /^what the gateway adds at p50, mean of all routes +1 ms +10\.00 .* missed$/m);
    assert.match(one.out, /^market\.ticker +gateway +legacy +240 +0 +12\.04/m);
    assert.match(one.out, /^market\.ticker +legacy +10\.00/m);
    assert.deepEqual([(await banyan('nothing')).code, (await banyan('20260303T100000000Z', '--json')).code], [2, 0]);
  });
});
