import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type DecodedBody, NotCompared } from '../../../gateway/mirror/compare.ts';
import {
  COMPARE_THREAD_LIMITS,
  type ComparePair,
  type CompareThread,
  type CompareThreadDeps,
  createCompareThread,
} from '../../../gateway/mirror/compare-thread.ts';
import { createComparer, INLINE_BYTES_MAX } from '../../../gateway/mirror/comparer.ts';
import { eventually, within } from '../../helpers/deadline.ts';
import { aCompareConfig, REVIEWED } from '../../helpers/gateway-config.ts';
import { anObservation } from '../../helpers/observations.ts';

const FAILING = new URL('./failing-worker.ts', import.meta.url);
const CONFIG = aCompareConfig();
const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
});

interface Watched {
  readonly thread: CompareThread;
  readonly raised: string[];
  readonly spent: number[];
}

function aThread(given: Partial<Omit<CompareThreadDeps, 'limits'>> & { limits?: object } = {}): Watched {
  const raised: string[] = [];
  const spent: number[] = [];
  const thread = createCompareThread({
    now: () => new Date('2026-01-05T12:00:00Z'),
    spend: (milliseconds) => spent.push(milliseconds),
    raised: (operation) => raised.push(operation),
    ...given,
    limits: { ...COMPARE_THREAD_LIMITS, ...given.limits },
  });
  opened.push(thread);
  return { thread, raised, spent };
}

const body = (text: string): DecodedBody => ({
  bytes: Buffer.from(text),
  contentType: 'application/json',
  isOurs: false,
});
const pair = (legacy: string, fresh: string, config = CONFIG): ComparePair => ({
  ...{ legacy: body(legacy), new: body(fresh), config },
  statusClass: 2,
});
/** What became of a comparison: the differences, or why there was none. */
const answer = (comparing: Promise<readonly { kind: string; path: string }[]>) =>
  within(
    comparing.then(
      (differences) => differences.map(({ kind, path }) => `${kind} ${path}`).join() || 'same',
      (error: unknown) => (error instanceof NotCompared ? `${error.outcome}: ${error.message}` : Promise.reject(error)),
    ),
    'comparing on the thread',
  );

describe('the comparing thread', () => {
  test('pairs one after the other, then each its own answer, and what they took is counted', async () => {
    const { thread, raised, spent } = aThread();
    const answers = await Promise.all(
      [pair('{"a":1}', '{ "a":1}'), pair('{"a":1}', '{"a":2}'), pair('[1,2]', '[2,1]')].map((each) =>
        answer(thread.compare(each)),
      ),
    );
    assert.deepEqual(answers, ['same', 'changed $.a', 'order $']);
    assert.deepEqual(raised, []);
    assert.equal(spent.length, 3);
    assert.ok(spent.reduce((sum, milliseconds) => sum + milliseconds) > 0);
  });

  test('rules follow the configuration, the class of status and the day', async () => {
    const rule = { path: '$.a', status: '2xx' as const, expires: '2026-01-05', ...REVIEWED };
    const config = aCompareConfig({ normalise: [{ as: 'number', ...rule }] });
    let now = new Date('2026-01-05T12:00:00Z');
    const { thread } = aThread({ now: () => now });
    const ask = (statusClass: number) =>
      answer(thread.compare({ ...pair('{"a":1}', '{"a":"1.0"}', config), statusClass }));
    assert.equal(await ask(2), 'same');
    assert.equal(await ask(4), 'type $.a');
    assert.equal(await answer(thread.compare(pair('{"a":1}', '{"a":"1.0"}'))), 'type $.a');
    assert.equal(await ask(2), 'same');
    now = new Date('2026-01-06T12:00:00Z');
    assert.equal(await ask(2), 'type $.a');
  });

  test('more configurations than a thread may know, then another thread, and the same answers', async () => {
    const { thread, raised } = aThread({ limits: { configsMax: 2 } });
    const config = () => aCompareConfig({ ignore: [{ path: '$.a', ...REVIEWED }] });
    for (let i = 0; i < 5; i++)
      assert.equal(await answer(thread.compare(pair('{"a":1}', '{"a":2}', config()))), 'changed $.a');
    assert.deepEqual(raised, []);
  });

  test('bodies that are still needed stay; decoded ones are given away', async () => {
    const { thread } = aThread();
    const kept = body('{"a":1}');
    const bytes = Buffer.from(new ArrayBuffer(7));
    bytes.write('{"a":2}');
    const given: DecodedBody = { bytes, contentType: 'application/json', isOurs: true };
    const found = answer(thread.compare({ legacy: kept, new: given, config: CONFIG, statusClass: 2 }));
    assert.deepEqual([kept.bytes.length, given.bytes.length], [7, 0]);
    assert.equal(await found, 'changed $.a');
    assert.equal(Buffer.from(kept.bytes).toString(), '{"a":1}');
  });

  test('nothing to do, then no thread; after the last comparison it ends by itself', async () => {
    const { thread } = aThread({ limits: { idleMs: 20 } });
    assert.equal(thread.isRunning, false);
    assert.equal(await answer(thread.compare(pair('1', '2'))), 'changed $');
    assert.equal(thread.isRunning, true);
    await eventually(() => !thread.isRunning, 'the thread ends');
    assert.equal(await answer(thread.compare(pair('1', '2'))), 'changed $');
  });
});

describe('a comparing thread that fails', () => {
  const failures: readonly (readonly [wish: string, detail: RegExp])[] = [
    ['hang', /^incomparable: the comparing thread was lost: no answer after 2000 ms$/],
    ['throw', /^incomparable: the comparing thread was lost: as wished$/],
    ['exit', /^incomparable: the comparing thread was lost: exit code 3$/],
    ['fill', /^incomparable: the comparing thread was lost: .*memory/],
  ];
  for (const [wish, detail] of failures) {
    test(`${wish}, then that pair is incomparable, it is reported, and the next one is compared`, async () => {
      const { thread, raised } = aThread({ program: FAILING, limits: { deadlineMs: 2_000, heapMbMax: 16 } });
      const [failed, after] = [thread.compare(pair(wish, '')), thread.compare(pair('fine', ''))].map(answer);
      assert.match((await failed) ?? '', detail);
      assert.equal(await after, 'same');
      assert.deepEqual(raised, ['compare thread']);
      assert.equal(await answer(thread.compare(pair('fine', ''))), 'same');
    });
  }

  test('a program that cannot even start, then incomparable, each time', async () => {
    const { thread, raised } = aThread({ program: new URL('./no-such-worker.ts', import.meta.url) });
    for (let i = 0; i < 2; i++)
      assert.match(await answer(thread.compare(pair('1', '2'))), /^incomparable: the comparing thread was lost: /);
    assert.equal(raised.length, 2);
  });

  test('more pairs than may wait, then the rest is dropped, and by bytes too', async () => {
    const { thread } = aThread({ program: FAILING, limits: { countMax: 2, bytesMax: 100, deadlineMs: 300 } });
    const hanging = answer(thread.compare(pair('hang', '')));
    const waiting = [pair('a', 'a'), pair('b', 'b')].map((each) => answer(thread.compare(each)));
    assert.deepEqual([thread.waiting, thread.waitingBytes], [2, 4]);
    assert.equal(await answer(thread.compare(pair('c', 'c'))), 'dropped: compare_queue');
    assert.match(await hanging, /no answer/);
    assert.deepEqual(await Promise.all(waiting), ['same', 'same']);
    const again = answer(thread.compare(pair('hang', '')));
    assert.equal(await answer(thread.compare(pair('x'.repeat(101), ''))), 'dropped: compare_queue');
    await again;
  });

  test('closed while it works and pairs wait, then all are dropped, and nothing is taken any more', async () => {
    const { thread, raised } = aThread({ program: FAILING });
    const all = [thread.compare(pair('hang', '')), thread.compare(pair('a', 'a'))].map(answer);
    await thread.close();
    assert.deepEqual(await Promise.all(all), ['dropped: compare_queue', 'dropped: compare_queue']);
    assert.equal(await answer(thread.compare(pair('a', 'a'))), 'dropped: compare_queue');
    assert.deepEqual([thread.isRunning, raised], [false, []]);
  });
});

describe('where a pair is compared', () => {
  const large = (value: number) => JSON.stringify({ text: 'x'.repeat(INLINE_BYTES_MAX), value });
  const asked = async (legacy: object, fresh: object, rules: Parameters<typeof aCompareConfig>[0] = {}) => {
    const raised: string[] = [];
    const spent: number[] = [];
    const deps = {
      now: () => new Date(),
      spend: (ms: number) => spent.push(ms),
      raised: (what: string) => raised.push(what),
    };
    const comparer = createComparer({ ...deps, program: FAILING }); // Finds no difference, so that we know who was asked.
    opened.push(comparer);
    const observed = {
      legacy: anObservation('legacy', legacy),
      new: anObservation('new', fresh),
      copied: 'new',
    } as const;
    const verdict = await within(comparer.judge(observed, aCompareConfig({ headers: [], ...rules })), 'judging');
    assert.ok(spent.length > 1 && spent.every((ms) => ms >= 0));
    return verdict.outcome;
  };

  test('small, then here; large, then on the thread', async () => {
    assert.equal(await asked({ body: '{"a":1}' }, { body: '{"a":2}' }), 'mismatch');
    assert.equal(await asked({ body: large(1) }, { body: large(2) }), 'match');
  });

  test('small, and yet more work than the event loop has time for, then on the thread', async () => {
    const rules = {
      arrays: [{ path: '$', unordered: true as const, ...REVIEWED }],
      tolerate: [{ path: '$[*]', absolute: '0.1', ...REVIEWED }],
    };
    const numbers = (from: number) => JSON.stringify(Array.from({ length: 450 }, (_, i) => from + i));
    assert.equal(await asked({ body: numbers(0) }, { body: numbers(1_000) }, rules), 'match');
    assert.equal(await asked({ body: '[1,2]' }, { body: '[2,3]' }, rules), 'mismatch');
  });

  test('small as it was sent and large once unpacked, then on the thread', async () => {
    const headers = ['Content-Type', 'application/json', 'Content-Encoding', 'gzip'];
    assert.equal(await asked({ headers, body: gzipSync(large(1)) }, { headers, body: gzipSync(large(2)) }), 'match');
  });
});
