import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
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

describe('editing by hand', () => {
  test('the file is written anew, then the flags move and listeners hear of it', async () => {
    writeFileSync(file, fileOf(rollout('a', 0)));
    const flags = await openFlags();
    const heard = new Promise<void>((resolve) => flags.onChange(resolve));
    writeFileSync(file, fileOf(rollout('a', 100)));
    await within(heard, 'the change to be heard');
    assert.equal(flags.isEnabled('a', 'u'), true);
  });

  test('an editor that replaces the file, then seen too', async () => {
    writeFileSync(file, fileOf(rollout('a', 0)));
    const flags = await openFlags();
    writeFileSync(`${file}.swp`, fileOf(rollout('a', 100)));
    renameSync(`${file}.swp`, file);
    await eventually(() => flags.percent('a') === 100, 'the replaced file to be read');
  });

  test('a broken edit, then the last good flags hold and it says so, until it is mended', async () => {
    writeFileSync(file, fileOf(rollout('a', 100)));
    const flags = await openFlags();
    writeFileSync(file, '{ "features": [ { "name": "a" } ] }');
    const problem = await eventually(() => flags.problem(), 'the problem to be noticed');
    assert.match(
      problem,
      /flags\.json: not a feature file: features\.0\.enabled: .*; the last good flags stay in force$/,
    );
    assert.equal(flags.isEnabled('a', 'u'), true);
    writeFileSync(file, fileOf(rollout('a', 0)));
    await eventually(() => flags.problem() === undefined, 'the problem to be over');
    assert.equal(flags.isEnabled('a', 'u'), false);
  });

  test('a flag is set and the watcher reads what was written, then nobody hears of it twice', async () => {
    const flags = await openFlags();
    let heard = 0;
    flags.onChange(() => heard++);
    await flags.set([{ flag: 'a', percent: 100, groupId: 'a' }]);
    const other = await openFlags();
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, `${text} `); // The same flags once more: read and found to be nothing new.
    writeFileSync(file, text.replace('"100"', '"50"'));
    await eventually(() => flags.percent('a') === 50 && other.percent('a') === 50, 'the edit to be read');
    assert.equal(heard, 2);
  });

  test('the same content again, then nobody hears anything', async () => {
    writeFileSync(file, fileOf(rollout('a', 100)));
    const flags = await openFlags();
    let heard = 0;
    flags.onChange(() => heard++);
    writeFileSync(file, fileOf(rollout('a', 100)));
    writeFileSync(file, fileOf(rollout('a', 50)));
    await eventually(() => flags.percent('a') === 50, 'the second edit to be read');
    assert.equal(heard, 1);
  });

  test('the file is gone, then the last good flags hold, and it says so', async () => {
    writeFileSync(file, fileOf(rollout('a', 100)));
    const flags = await openFlags();
    unlinkSync(file);
    const problem = await eventually(() => flags.problem(), 'the loss to be noticed');
    assert.match(problem, /flags\.json: .*gone.*; the last good flags stay in force$/);
    assert.equal(flags.isEnabled('a', 'u'), true);
    await flags.set([{ flag: 'b', percent: 100, groupId: 'b' }]);
    assert.deepEqual([flags.percent('a'), flags.percent('b'), flags.problem()], [100, 100, undefined]);
  });

  test('closed, then edits are no longer read', async () => {
    writeFileSync(file, fileOf(rollout('a', 100)));
    const flags = await openFileFlags(file);
    const other = await openFlags();
    await flags.close();
    writeFileSync(file, fileOf(rollout('a', 50)));
    await eventually(() => other.percent('a') === 50, 'another reader to see the edit');
    assert.equal(flags.percent('a'), 100);
  });
});
