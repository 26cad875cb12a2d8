// `npm test [-- FILE ...]`: every *.test.ts below test/ with node:test, or just the files named.
import { spawn } from 'node:child_process';

/** A test that leaves something open keeps its process alive; a run that takes this long has one. */
const RUN_LIMIT_MS = 20 * 60_000;

const named = process.argv.slice(2);
const files = named.length > 0 ? named : ['test/**/*.test.ts'];
const args = ['--test', '--test-timeout=180000', '--test-concurrency=2', ...files];
const child = spawn(process.execPath, [...process.execArgv, ...args], { stdio: 'inherit' });
const limit = setTimeout(() => {
  console.error(`the tests did not end within ${RUN_LIMIT_MS / 60_000} minutes: one of them left something open`);
  child.kill('SIGKILL');
}, RUN_LIMIT_MS);
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => {
  clearTimeout(limit);
  process.exitCode = signal ? 1 : (code ?? 1);
});
