import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { type Flags, openFileFlags } from '../../../gateway/rollout/flags.ts';
import { eventually, within } from '../../helpers/deadline.ts';
import { fileOf, rollout } from './flag-file.ts';

let folder: string;
let file: string;
const open: Flags[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'banyan-flags-'));
  file = join(folder, 'flags.json');
});
afterEach(async () => {
  for (const flags of open.splice(0)) await flags.close();
  rmSync(folder, { recursive: true });
});

async function openFlags(path = file): Promise<Flags> {
  const flags = await openFileFlags(path);
  open.push(flags);
  return flags;
}
const stored = () => JSON.parse(readFileSync(file, 'utf8')) as { features: { name: string; enabled: boolean }[] };
const shareOf = (flags: Flags, flag: string, users = 10_000) =>
  Array.from({ length: users }, (_, i) => flags.isEnabled(flag, `user-${i}`)).filter(Boolean).length / users;

describe('opening', () => {
  test('a file with flags, then they hold from the first moment', async () => {
    writeFileSync(file, fileOf(rollout('on', 100), rollout('half', 50), rollout('off', 0)));
    const flags = await openFlags();
    assert.equal(flags.isEnabled('on', 'u'), true);
    assert.equal(flags.isEnabled('off', 'u'), false);
    assert.deepEqual(
      ['on', 'half', 'off', 'unknown'].map((flag) => [flags.exists(flag), flags.percent(flag)]),
      [
        [true, 100],
        [true, 50],
        [true, 0],
        [false, 0],
      ],
    );
    assert.equal(flags.problem(), undefined);
  });

  test('no file, then every flag is off, nothing is wrong, and none is made until a flag is set', async () => {
    const flags = await openFlags(join(folder, 'not', 'yet', 'flags.json'));
    assert.equal(flags.isEnabled('a', 'u'), false);
    assert.deepEqual([flags.exists('a'), flags.percent('a'), flags.problem()], [false, 0, undefined]);
    await flags.set([{ flag: 'a', percent: 100, groupId: 'a' }]);
    assert.equal(flags.isEnabled('a', 'u'), true);
    assert.ok(statSync(join(folder, 'not', 'yet', 'flags.json')).isFile());
  });

  test('a file that is edited while it is read for the first time, then the last edit holds soon', async () => {
    let percent = 1;
    let isOpen = false;
    writeFileSync(file, fileOf(rollout('a', percent)));
    const opening = openFileFlags(file).then((opened) => {
      isOpen = true;
      return opened;
    });
    while (!isOpen) {
      percent = (percent % 99) + 1;
      writeFileSync(file, fileOf(rollout('a', percent)));
      await new Promise((resolve) => setImmediate(resolve));
    }
    const flags = await opening;
    try {
      await eventually(() => flags.percent('a') === percent, 'the last edit');
    } finally {
      flags.close();
    }
  });

  test('a broken file, then every flag is off, and it says so', async () => {
    writeFileSync(file, '{"features":');
    const flags = await openFlags();
    assert.equal(flags.isEnabled('a', 'u'), false);
    assert.match(flags.problem() ?? '', /flags\.json: .*JSON.*; the last good flags stay in force$/);
    await assert.rejects(flags.set([{ flag: 'a', percent: 100, groupId: 'a' }]), /JSON/);
    assert.equal(readFileSync(file, 'utf8'), '{"features":', 'what somebody is editing is not overwritten');
  });
});

describe('a gradual rollout', () => {
  test('any share, then that many of 10,000 identities within 1.5 %, the same ones every time', async () => {
    const flags = await openFlags();
    for (const percent of [1, 10, 33, 50, 90, 99]) {
      await flags.set([{ flag: 'a', percent, groupId: 'g' }]);
      const share = shareOf(flags, 'a');
      assert.ok(Math.abs(share - percent / 100) < 0.015, `${percent} %: ${share}`);
      assert.equal(shareOf(flags, 'a'), share);
    }
    for (const percent of [0, 100]) {
      await flags.set([{ flag: 'a', percent, groupId: 'g' }]);
      assert.equal(shareOf(flags, 'a', 1_000), percent / 100);
    }
  });

  test('the share grows, then nobody who was on is off again', async () => {
    const flags = await openFlags();
    let before = new Set<string>();
    for (const percent of [5, 25, 60, 100]) {
      await flags.set([{ flag: 'a', percent, groupId: 'g' }]);
      const users = Array.from({ length: 1_000 }, (_, i) => `user-${i}`);
      const now = new Set(users.filter((user) => flags.isEnabled('a', user)));
      assert.equal(
        [...before].every((user) => now.has(user)),
        true,
      );
      before = now;
    }
  });

  test('two flags of one group, then the same users; of different groups, then others', async () => {
    const flags = await openFlags();
    await flags.set([
      { flag: 'a', percent: 50, groupId: 'trade' },
      { flag: 'b', percent: 50, groupId: 'trade' },
      { flag: 'c', percent: 50, groupId: 'market' },
    ]);
    const users = Array.from({ length: 1_000 }, (_, i) => `user-${i}`);
    const on = (flag: string) => users.filter((user) => flags.isEnabled(flag, user));
    assert.deepEqual(on('a'), on('b'));
    assert.notDeepEqual(on('a'), on('c'));
  });
});

describe('setting', () => {
  test('several changes at once, then all are stored and in force when it answers, and listeners hear of it once', async () => {
    const flags = await openFlags();
    let heard = 0;
    flags.onChange(() => heard++);
    await flags.set([
      { flag: 'a', percent: 100, groupId: 'a' },
      { flag: 'b', percent: 0, groupId: 'b' },
    ]);
    assert.equal(heard, 1);
    assert.deepEqual([flags.percent('a'), flags.percent('b'), flags.exists('b')], [100, 0, true]);
    assert.deepEqual(
      stored().features.map(({ name, enabled }) => [name, enabled]),
      [
        ['a', true],
        ['b', false],
      ],
    );
  });

  test('many calls at the same time, then every one lands, and the last one of a flag holds', async () => {
    const flags = await openFlags();
    const calls = Array.from({ length: 60 }, (_, i) =>
      flags.set([{ flag: `f${i % 20}`, percent: i + 1, groupId: 'g' }]),
    );
    await within(Promise.all(calls), 'all changes to be stored');
    for (let i = 0; i < 20; i++) assert.equal(flags.percent(`f${i}`), 41 + i);
    const again = await openFlags();
    for (let i = 0; i < 20; i++) assert.equal(again.percent(`f${i}`), 41 + i);
  });

  test('changes again and again while the watcher reads what they wrote, then none is undone even for a moment', async () => {
    const flags = await openFlags();
    const seen: number[] = [];
    flags.onChange(() => seen.push(flags.percent('a')));
    const wanted = Array.from({ length: 300 }, (_, i) => (i % 100) + 1);
    for (const percent of wanted) {
      await flags.set([{ flag: 'a', percent, groupId: 'a' }]);
      assert.equal(flags.percent('a'), percent);
    }
    assert.deepEqual(seen, wanted);
  });

  test('what else stands in the file, then it is kept', async () => {
    const other = { ...rollout('other', 30), description: 'not ours', variants: [{ name: 'v' }] };
    const segments = [{ id: 1, constraints: [] }];
    writeFileSync(
      file,
      JSON.stringify({
        version: 2,
        features: [other, { ...rollout('a', 5), description: 'mine' }],
        segments,
        query: {},
      }),
    );
    const flags = await openFlags();
    await flags.set([{ flag: 'a', percent: 50, groupId: 'g' }]);
    const after = JSON.parse(readFileSync(file, 'utf8')) as {
      features: { description: string }[];
      segments: unknown;
      query: unknown;
    };
    assert.deepEqual(after.features[0], other);
    assert.equal(after.features[1]?.description, 'mine');
    assert.deepEqual([after.segments, after.query], [segments, {}]);
  });

  test('an edit that the watcher has not seen yet, then it is not lost', async () => {
    const flags = await openFlags();
    await flags.set([{ flag: 'a', percent: 10, groupId: 'a' }]);
    writeFileSync(file, fileOf(rollout('a', 10), rollout('by-hand', 70)));
    await flags.set([{ flag: 'a', percent: 20, groupId: 'a' }]);
    assert.deepEqual([flags.percent('a'), flags.percent('by-hand')], [20, 70]);
  });

  test('a reader at any moment, then a whole file, readable by its owner only, and nothing beside it afterwards', async () => {
    const flags = await openFlags();
    await flags.set([{ flag: 'a', percent: 1, groupId: 'a' }]);
    let writing = true;
    const reading = (async () => {
      while (writing) {
        assert.equal(stored().features[0]?.name, 'a');
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    for (let percent = 2; percent <= 40; percent++) await flags.set([{ flag: 'a', percent, groupId: 'a' }]);
    writing = false;
    await reading;
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(folder), ['flags.json']);
  });

  test('a file that cannot be written, then it rejects, nothing changes, and the next change is still tried', async () => {
    const flags = await openFlags();
    await flags.set([{ flag: 'a', percent: 10, groupId: 'a' }]);
    writeFileSync(file, 'broken');
    const refused = flags.set([{ flag: 'a', percent: 20, groupId: 'a' }]);
    await assert.rejects(refused, /JSON/);
    assert.equal(flags.percent('a'), 10);
    writeFileSync(file, fileOf(rollout('a', 10)));
    await flags.set([{ flag: 'a', percent: 30, groupId: 'a' }]);
    assert.equal(flags.percent('a'), 30);
  });
});
