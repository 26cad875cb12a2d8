// Where k6 is looked for. What stands in for it only says its version.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { runCli } from '../../loadtest/cli.ts';
import { LoadtestError } from '../../loadtest/exit.ts';
import { builtK6, findK6 } from '../../loadtest/find-k6.ts';

const NAMES = ['PATH', 'K6_BIN', 'XDG_CACHE_HOME'] as const;

describe('k6', { skip: process.platform === 'win32' && 'what stands in for it is a shell script' }, () => {
  const before = NAMES.map((name) => [name, process.env[name]] as const);
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'banyan-find-k6-'));
    process.env.PATH = join(folder, 'bin');
    process.env.XDG_CACHE_HOME = folder;
    delete process.env.K6_BIN;
  });
  afterEach(() => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    rmSync(folder, { recursive: true, force: true });
  });
  const put = (file: string, version: string): string => {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `#!/bin/sh\necho "k6 ${version} (linux/amd64)"\n`);
    chmodSync(file, 0o755);
    return file;
  };
  const usage = (pattern: RegExp) => (error: unknown) =>
    error instanceof LoadtestError && error.code === 2 && pattern.test(error.message);

  it('that K6_BIN names wins over one on PATH, and that over one built here', () => {
    put(builtK6(), 'v2.2.0');
    assert.deepEqual([findK6()?.version, findK6()?.command], ['v2.2.0', builtK6()]);
    put(join(folder, 'bin', 'k6'), 'v2.3.0');
    assert.equal(findK6()?.version, 'v2.3.0');
    process.env.K6_BIN = put(join(folder, 'mine'), 'v2.4.1');
    assert.equal(findK6()?.version, 'v2.4.1');
  });

  it('of another major version on PATH is passed over, and refused where K6_BIN names it', () => {
    const old = put(join(folder, 'bin', 'k6'), 'v1.5.0');
    assert.equal(findK6(), undefined);
    process.env.K6_BIN = old;
    assert.throws(() => findK6(), usage(/is not k6 v2 but v1\.5\.0/));
  });

  it('that K6_BIN names and is not there is an error', () => {
    process.env.K6_BIN = join(folder, 'nothing');
    assert.throws(() => findK6(), usage(/K6_BIN names .*nothing/));
  });

  it('that is nowhere, then a run says how to get it', async () => {
    const said: string[] = [];
    const output = { out: () => {}, err: (text: string) => said.push(text) };
    assert.equal(await runCli(['run', 'smoke'], output, new AbortController().signal), 1);
    assert.match(said.join('\n'), /npm run loadtest -- install[\s\S]*K6_BIN=/);
  });

  it('that is nowhere, nor Go, then installing says so', async () => {
    const said: string[] = [];
    const output = { out: () => {}, err: (text: string) => said.push(text) };
    assert.equal(await runCli(['install'], output, new AbortController().signal), 1);
    assert.match(said.join('\n'), /there is no Go here/);
  });

  it('flips no route of a side that is asked itself', async () => {
    const said: string[] = [];
    const output = { out: () => {}, err: (text: string) => said.push(text) };
    const args = ['run', 'flip', '--target', 'new'];
    assert.equal(await runCli(args, output, new AbortController().signal), 2);
    assert.match(said.join('\n'), /--target gateway/);
  });
});
