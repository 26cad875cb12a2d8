import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { LOAD_RUNS_MAX, loadRunFile, loadRunId, loadRunsFolder, parseLoadReport } from '../../config/load-report.ts';
import { certificatesIn } from '../../gateway/rollout/certificates.ts';
import { orderOf } from '../../loadtest/compare.ts';
import { LoadtestError } from '../../loadtest/exit.ts';
import { htmlOf } from '../../loadtest/html.ts';
import { markdownOf } from '../../loadtest/markdown.ts';
import { DEFAULT_URLS, loadOf, originOf, writesOf } from '../../loadtest/options.ts';
import { ticksOf } from '../../loadtest/plots.ts';
import { writeCertificate, writeReport } from '../../loadtest/write-report.ts';
import { measured, reportOf } from './measured.ts';

const report = reportOf(measured(6, { legacy: 2, new: 2, gateway: 2.5 }));

describe('a report of a comparison', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'banyan-loadtest-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('is read again as it was written', () => {
    writeReport(report, folder);
    assert.deepEqual(readdirSync(folder).sort(), ['compare.html', 'compare.json', 'compare.md', 'runs']);
    assert.deepEqual(parseLoadReport(readFileSync(join(folder, 'compare.json'), 'utf8')), { report });
  });

  it('is kept beside those of earlier runs, of which the oldest make room', () => {
    const atOf = (n: number) => new Date(Date.parse(report.at) + n * 60_000).toISOString();
    for (let n = 0; n < LOAD_RUNS_MAX; n++) {
      mkdirSync(loadRunsFolder(folder), { recursive: true });
      writeFileSync(loadRunFile(folder, loadRunId(atOf(n)), 'json'), '{}');
    }
    writeReport({ ...report, at: atOf(LOAD_RUNS_MAX) }, folder);
    const kept = readdirSync(loadRunsFolder(folder)).sort();
    assert.equal(kept.length, LOAD_RUNS_MAX + 1); // The page of the one.
    assert.deepEqual([kept[0], kept.at(-1)], [`${loadRunId(atOf(1))}.json`, `${loadRunId(atOf(LOAD_RUNS_MAX))}.json`]);
    const text = readFileSync(loadRunFile(folder, loadRunId(atOf(LOAD_RUNS_MAX)), 'html'), 'utf8');
    assert.match(text, /^<!doctype html>/);
  });

  it('that is none says why', () => {
    const problemOf = (text: string) => Object.values(parseLoadReport(text))[0];
    assert.match(problemOf('{"version": 1}'), /^it is no report of this version: version: /);
    assert.equal(problemOf('no JSON'), 'it is not JSON');
  });

  it('is of no file by a name that leads elsewhere', () => {
    for (const id of ['../compare', '20260105T100000000Z/../x', '', '20260105T100000000Z.json'])
      assert.throws(() => loadRunFile(folder, id, 'json'), /no run is called/, id);
  });

  it('as Markdown has a row for each limit and each route asked', () => {
    const rows = markdownOf(report)
      .split('\n')
      .filter((line) => line.startsWith('| '));
    assert.equal(rows.length, report.verdicts.length + report.arms.length + 2);
  });

  it('as a page needs nothing else, and shows what is named as text', () => {
    const page = htmlOf(report);
    assert.doesNotMatch(page, /<script|src=|href=|@import|url\(/);
    assert.match(page, /a &lt;cpu&gt; &amp; more/);
    assert.equal(page.match(/<svg /g)?.length, 4);
    assert.doesNotMatch(page, /NaN|undefined|Infinity/);
  });

  it('as a certificate is what a route that requires it waits for', async () => {
    const key = 'a key of at least thirty-two characters';
    const problem = async (at = '2026-01-05T12:00:00.000Z') =>
      (await certificatesIn(folder, key).of(['load'], new Date(at)))[0]?.problem;
    assert.match((await problem()) ?? '', /there is no certificate/);
    writeCertificate(report, { folder, validHours: 24, key });
    assert.equal(await problem(), undefined);
    assert.match((await problem('2026-01-06T12:00:00.000Z')) ?? '', /ended at/);
    writeCertificate(report, { folder, validHours: 24, key: 'another key of thirty-two characters' });
    assert.match((await problem()) ?? '', /was not signed with the key/);
    writeCertificate({ ...report, met: false }, { folder, validHours: 24, key });
    assert.match((await problem()) ?? '', /failed/);
  });
});

describe('the options', () => {
  const options = { ...DEFAULT_URLS, clients: 200, streams: 10, remote: false };
  const usage = (error: unknown) => error instanceof LoadtestError && error.code === 2;

  it('name this machine only unless another may be asked', () => {
    assert.equal(originOf('http://localhost:8080/x', false), 'http://localhost:8080');
    assert.equal(originOf('http://[::1]:8080', false), 'http://[::1]:8080');
    assert.throws(() => originOf('http://banyan.example', false), usage);
    assert.throws(() => originOf('http://127.0.0.1.banyan.example', false), usage);
    assert.equal(originOf('http://banyan.example', true), 'http://banyan.example');
    assert.throws(() => originOf('ftp://127.0.0.1', false), usage);
  });

  it('make orders on another machine only when told so', () => {
    assert.deepEqual([writesOf({ remote: false }), writesOf({ remote: true })], [true, false]);
    assert.equal(writesOf({ remote: true, writes: true }), true);
  });

  it('ask for no more than there may be', () => {
    assert.equal(loadOf(options, 'steady').rate, 20);
    assert.throws(() => loadOf({ ...options, rate: 5001 }, 'steady'), usage);
    assert.throws(() => loadOf({ ...options, rate: 5000, seconds: 3600 }, 'steady'), usage);
    assert.throws(() => loadOf({ ...options, rate: 5000, seconds: 100 }, 'compare', 18), usage);
  });
});

describe('the order of a round', () => {
  it('lets each target begin as often as another', () => {
    const first = [0, 1, 2, 3, 4, 5].map((round) => orderOf(['legacy', 'new', 'gateway'], round)[0]);
    assert.deepEqual(first, ['legacy', 'new', 'gateway', 'legacy', 'new', 'gateway']);
  });
});

describe("a plot's ticks", () => {
  it('are round and reach up to the largest value', () => {
    assert.deepEqual(ticksOf(9.6), [0, 2, 4, 6, 8]);
    assert.deepEqual(ticksOf(0.07), [0, 0.02, 0.04, 0.06]);
    assert.deepEqual(ticksOf(0), [0]);
  });
});
