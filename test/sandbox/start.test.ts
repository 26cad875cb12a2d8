import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { after, test } from 'node:test';
import { eventually, within } from '../helpers/deadline.ts';
import { type SpawnedServer, spawnServer } from '../helpers/process.ts';
import { dataFolder } from './postgres/postgres.ts';

const START_MS = 60_000;
const dataDir = mkdtempSync(join(tmpdir(), 'banyan-sandbox-'));
after(() => {
  rmSync(dataFolder(join(dataDir, 'postgres')), { recursive: true, force: true });
  rmSync(dataDir, { recursive: true, force: true });
});

function start(...flags: string[]): Promise<SpawnedServer> {
  const args = ['test/sandbox/start.ts', '--data', dataDir, '--port-base', '0', ...flags];
  return spawnServer({ args, readyMs: START_MS, stopMs: 30_000 });
}

function children(): readonly { pid: number; mark: string }[] {
  return JSON.parse(readFileSync(join(dataDir, 'sandbox.json'), 'utf8')).children;
}

/** A process that has ended but that its new parent has not noticed yet is not alive: it has no command line. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    const file = `/proc/${pid}/cmdline`;
    return !existsSync(file) || readFileSync(file, 'utf8') !== '';
  } catch {
    return false;
  }
}

test('stopped, then it exits 0 and leaves no process behind', async () => {
  const sandbox = await start('--without-gateway');
  const pids = children().map(({ pid }) => pid);
  assert.equal(pids.length, 8);
  assert.deepEqual(await sandbox.stop(), { code: 0, signal: null });
  assert.deepEqual(pids.filter(isAlive), []);
});

test('traffic through the gateway, then every request is answered, by the side that served it', async () => {
  const sandbox = await start('--no-planted', '--traffic', '--rps', '50');
  try {
    assert.equal(statSync(join(dataDir, 'operator.token')).mode & 0o777, 0o600);
    const answer = await fetch(`http://${sandbox.listening.traffic}/api/market/ticker/BTCUSDT`);
    assert.deepEqual([answer.status, answer.headers.get('x-banyan-side')], [200, 'legacy']);
    await eventually(() => /traffic: \d+ answers/.test(sandbox.stderr()), 'a report of the traffic', 20_000);
  } finally {
    await sandbox.stop();
  }
  const summary = JSON.parse(
    sandbox
      .stderr()
      .split('\n')
      .findLast((line) => line.startsWith('{')) ?? '{}',
  );
  assert.equal(summary.failed, 0, JSON.stringify(summary.failures));
  assert.equal(summary.answered, summary.sent);
  assert.ok(summary.bySide.legacy > 0);
});

test('killed outright, then the next start ends what was left behind and works', async () => {
  const killed = await start('--without-gateway');
  const left = children().map(({ pid }) => pid);
  killed.kill('SIGKILL');
  await within(killed.exited, 'the sandbox to be gone');
  assert.deepEqual(left.filter(isAlive), left);
  const sandbox = await start('--without-gateway');
  try {
    assert.deepEqual(left.filter(isAlive), []);
    await assert.rejects(start(), /is using .*; stop it, or use another with --data DIR/);
  } finally {
    await sandbox.stop();
  }
});

test('a part that dies, then its last words are told, everything stops and the exit code is 1', async () => {
  const sandbox = await start('--without-gateway');
  const pids = children();
  const legacy = pids.find(({ mark }) => mark.includes('legacy'));
  assert.ok(legacy);
  process.kill(legacy.pid, 'SIGKILL');
  assert.deepEqual(await within(sandbox.exited, 'the sandbox to give up', 30_000), { code: 1, signal: null });
  assert.match(sandbox.stderr(), /sandbox: legacy has ended by itself \(SIGKILL\)/);
  assert.deepEqual(
    pids.filter(({ pid }) => isAlive(pid)),
    [],
  );
});
