import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, test } from 'node:test';
import { eventually } from '../../helpers/deadline.ts';
import { aFlag, answering, definitionsOf, type Fault, startUnleashStandIn } from '../../helpers/unleash.ts';
import { unleashBench } from './unleash-flags.ts';

const bench = unleashBench();

function keepBackup(...flags: ReturnType<typeof aFlag>[]): void {
  mkdirSync(dirname(bench.backupFile), { recursive: true });
  writeFileSync(bench.backupFile, definitionsOf(flags));
}

describe('reading', () => {
  test('a server that answers, then its flags hold when opening is done, and nothing is wrong', async () => {
    bench.unleash.flags.set('a', aFlag('a', 100));
    const flags = await bench.open();
    assert.deepEqual([flags.isEnabled('a', 'u'), flags.percent('a'), flags.exists('b')], [true, 100, false]);
    assert.deepEqual([flags.problem(), flags.staleMs()], [undefined, 0]);
  });

  test('a flip at the server, then it is seen and heard of once', async () => {
    bench.unleash.flags.set('a', aFlag('a', 0));
    const flags = await bench.open();
    let heard = 0;
    flags.onChange(() => heard++);
    bench.unleash.flags.set('a', aFlag('a', 100));
    await eventually(() => flags.isEnabled('a', 'u'), 'the flip to be seen');
    const calls = bench.unleash.calls.length;
    await eventually(() => bench.unleash.calls.length > calls + 2, 'more polls');
    assert.equal(heard, 1);
  });

  test('a flag is gone at the server, then it is off', async () => {
    bench.unleash.flags.set('a', aFlag('a', 100));
    const flags = await bench.open();
    bench.unleash.flags.delete('a');
    await eventually(() => !flags.isEnabled('a', 'u'), 'the flag to be off');
  });

  test('constraints on the environment, then evaluated as Unleash would', async () => {
    const constraint = (value: string) => ({
      contextName: 'environment',
      operator: 'IN',
      values: [value],
      inverted: false,
    });
    bench.unleash.flags.set('here', aFlag('here', 100, { constraints: [constraint('development')] }));
    bench.unleash.flags.set('there', aFlag('there', 100, { constraints: [constraint('production')] }));
    const flags = await bench.open();
    assert.deepEqual([flags.isEnabled('here', 'u'), flags.isEnabled('there', 'u')], [true, false]);
  });
});

describe('a server that does not answer with flags', () => {
  const hang: Fault = () => true;
  const tear: Fault = (_, response) => {
    response.writeHead(200, { 'content-length': '1000' });
    response.write('{"version":2,"features":[');
    setTimeout(() => response.destroy(), 5);
    return true;
  };
  const rows: readonly (readonly [what: string, fault: Fault, says: RegExp])[] = [
    ['401', answering(401), /answers 401; check that CLIENT holds a valid client token of the environment development/],
    ['403', answering(403, '{"message":"no"}'), /answers 403 \(no\); check that CLIENT holds/],
    ['404', answering(404), /answers 404; check flags\.url/],
    ['429', answering(429), /answers 429; raise flags\.refreshIntervalMs/],
    ['500', answering(500, '<h1>oops</h1>'), /answers 500; see its own log/],
    ['a redirect', answering(302), /answers 302; see its own log/],
    ['nothing', hang, /does not answer within 1500 ms; check that it runs/],
    ['half an answer', tear, /cannot be reached: .+; check that it runs/],
    ['a page', answering(200, '<html>'), /answers something else than flags \(.*JSON/],
    [
      'other JSON',
      answering(200, '{"features":[{"name":1}]}'),
      /answers something else than flags \(not a feature file/,
    ],
    ['no content', answering(204), /answers something else than flags/],
  ];
  for (const [what, fault, says] of rows) {
    test(`${what}, then the last known flags hold, it says why and since when, and is well again with the server`, async () => {
      bench.unleash.flags.set('a', aFlag('a', 100));
      const flags = await bench.open();
      bench.unleash.fault = fault;
      const problem = await eventually(() => flags.problem(), 'the problem to be noticed');
      assert.match(problem, says);
      assert.match(problem, /^Unleash at http:.*; the last known flags hold$/);
      assert.equal(flags.isEnabled('a', 'u'), true);
      await eventually(() => flags.staleMs() > 0, 'the flags to be stale');
      const calls = bench.unleash.calls.length;
      await eventually(() => bench.unleash.calls.length > calls + 2, 'it to be asked again and again');
      bench.unleash.flags.set('a', aFlag('a', 0));
      bench.unleash.fault = undefined;
      await eventually(() => flags.problem() === undefined, 'the problem to be over');
      assert.deepEqual([flags.isEnabled('a', 'u'), flags.staleMs()], [false, 0]);
    });
  }
});

describe('starting', () => {
  test('flags were read, then they are kept in the backup, and anew when they change', async () => {
    bench.unleash.flags.set('a', aFlag('a', 100));
    await bench.open();
    const kept = () => existsSync(bench.backupFile) && readFileSync(bench.backupFile, 'utf8');
    await eventually(() => kept() && /"rollout":"100"/.test(String(kept())), 'the backup');
    bench.unleash.flags.set('a', aFlag('a', 40));
    await eventually(() => /"rollout":"40"/.test(String(kept())), 'the backup to follow');
  });

  test('no server, then it starts from the backup, knows how old that is, and follows the server once it is there', async () => {
    keepBackup(aFlag('a', 100));
    const hourAgo = new Date(Date.now() - 3_600_000);
    utimesSync(bench.backupFile, hourAgo, hourAgo);
    const { port } = bench.unleash;
    await bench.unleash.close();
    const flags = await bench.open();
    assert.equal(flags.isEnabled('a', 'u'), true);
    assert.match(flags.problem() ?? '', /cannot be reached: .*; the flags of the backup hold$/);
    assert.ok(flags.staleMs() >= 3_600_000, `${flags.staleMs()} ms`);
    const back = await startUnleashStandIn(port);
    try {
      back.flags.set('a', aFlag('a', 0));
      await eventually(() => flags.problem() === undefined, 'the server to be found');
      assert.equal(flags.isEnabled('a', 'u'), false);
    } finally {
      await back.close();
    }
  });

  test('no server and no backup, then every flag is off and it says so', async () => {
    await bench.unleash.close();
    const flags = await bench.open();
    assert.equal(flags.isEnabled('a', 'u'), false);
    assert.match(flags.problem() ?? '', /every route is legacy until it answers$/);
  });

  test('a backup that is broken, then every flag is off, and it says that too', async () => {
    mkdirSync(dirname(bench.backupFile), { recursive: true });
    writeFileSync(bench.backupFile, '{"features":');
    await bench.unleash.close();
    const flags = await bench.open();
    assert.match(
      flags.problem() ?? '',
      /; its backup .* cannot be used \(.*JSON.*\), so every route is legacy until it answers$/,
    );
  });

  test('a server that takes long, then it is not waited for, and its flags hold once they are there', async () => {
    keepBackup(aFlag('a', 0));
    bench.unleash.flags.set('a', aFlag('a', 100));
    const answers: (() => void)[] = [];
    bench.unleash.fault = (_, response) => {
      answers.push(() => response.end(definitionsOf(bench.unleash.flags.values())));
      return true;
    };
    const flags = await bench.open({ patienceMs: 20, timeoutMs: 10_000 });
    assert.equal(flags.isEnabled('a', 'u'), false);
    assert.match(flags.problem() ?? '', /it has not answered yet; the flags of the backup hold/);
    bench.unleash.fault = undefined;
    for (const answer of answers) answer();
    await eventually(() => flags.isEnabled('a', 'u'), 'the answer');
  });

  test('a backup that cannot be written, then the flags hold all the same, and it says what that means', async () => {
    writeFileSync(dirname(bench.backupFile), 'a file where the folder should be');
    bench.unleash.flags.set('a', aFlag('a', 100));
    const flags = await bench.open();
    const problem = await eventually(() => flags.problem(), 'the problem');
    assert.match(problem, /backup .* cannot be written \(.*\): a start without Unleash would not know them/);
    assert.deepEqual([flags.isEnabled('a', 'u'), flags.staleMs()], [true, 0]);
  });
});
