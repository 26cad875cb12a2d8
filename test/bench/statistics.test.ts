import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSummary } from './load/wrk.ts';
import { readOptions, SCENARIOS } from './options.ts';
import { tableText } from './report.ts';
import { median, ratioOf } from './statistics.ts';

test('an odd and an even number of rounds: the median is the middle, or between the two in the middle', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
  assert.throws(() => median([]), /no values/);
});

test('a round in which the whole machine was slow: the ratio is the same as in the others', () => {
  assert.deepEqual(ratioOf([50, 20, 48], [100, 40, 96]), { median: 0.5, min: 0.5, max: 0.5 });
});

test("the summary that the script of wrk prints: read; anything else: an error with wrk's own words", () => {
  const line = 'SUMMARY {"requests":2000,"us":2000000,"p50":1500,"p99":4000,"p999":9000,"errors":1}';
  const expected = { requests: 2_000, requestsPerSecond: 1_000, p50Ms: 1.5, p99Ms: 4, p999Ms: 9, errors: 1 };
  assert.deepEqual(readSummary(`Running 2s test\n${line}\n`), expected);
  assert.throws(() => readSummary('unable to connect'), /unable to connect/);
});

test('--only names peers: every scenario runs; it names a scenario: only that; an unknown name: an error', () => {
  const peers = readOptions(['--only', 'nginx,undici']);
  assert.ok(peers !== 'help');
  assert.deepEqual([peers.scenarios, peers.peers], [SCENARIOS, ['nginx', 'undici']]);
  const scenario = readOptions(['--only', 'hostile', '--rounds', '5']);
  assert.ok(scenario !== 'help');
  assert.deepEqual([scenario.scenarios, scenario.rounds], [['hostile'], 5]);
  assert.throws(() => readOptions(['--only', 'apache']), /there is no "apache"/);
  assert.throws(() => readOptions(['--seconds', '1.5']), /--seconds: expected a whole number from 1 to 600/);
});

test('cells of different width: the first column is flush left, figures flush right', () => {
  assert.deepEqual(
    tableText(
      ['name', 'x'],
      [
        ['a', '1.00'],
        ['longer', '12'],
      ],
    ),
    ['name       x', 'a       1.00', 'longer    12'],
  );
});
