// bin/run.mjs, which runs every script under a Node that can.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { within } from './helpers/deadline.ts';

const ROOT = join(import.meta.dirname, '..');

function launch(...args: string[]) {
  const child = spawn(process.execPath, ['bin/run.mjs', ...args], { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  const closed = once(child, 'close').then(([code, signal]) => ({ code, signal, output }));
  return { child, closed: within(closed, 'the launcher to end') };
}

describe('the launcher', () => {
  it('runs under a Node of at least 24.15 and passes arguments and the exit code on', async () => {
    const program = 'console.log(process.versions.node, process.argv.slice(1).join()); process.exitCode = 42';
    const { code, output } = await launch('-e', program, 'a', 'b c').closed;
    assert.equal(code, 42);
    const [, major = '', minor = '', rest] = /^(\d+)\.(\d+)\.\d+ (.*)\n$/.exec(output) ?? [];
    assert.ok(Number(major) > 24 || (Number(major) === 24 && Number(minor) >= 15), output);
    assert.equal(rest, 'a,b c');
  });

  it('passes SIGTERM on and waits for a clean stop', async () => {
    const program =
      'process.on("SIGTERM", () => { console.log("stopped"); process.exit(0); }); console.log("up"); setInterval(() => {}, 1000)';
    const { child, closed } = launch('-e', program);
    child.stdout.once('data', () => child.kill('SIGTERM'));
    assert.deepEqual(await closed, { code: 0, signal: null, output: 'up\nstopped\n' });
  });

  it('ends by the signal that its child ended by', async () => {
    const { code, signal } = await launch('-e', 'process.kill(process.pid, "SIGKILL")').closed;
    assert.deepEqual({ code, signal }, { code: null, signal: 'SIGKILL' });
  });
});
