// `npm test [-- FILE ...]`: every *.test.ts below test/ with node:test, or just the files named.
import { spawn } from 'node:child_process';

const named = process.argv.slice(2);
const args = [
  '--test',
  '--test-timeout=180000',
  '--test-concurrency=2',
  ...(named.length ? named : ['test/**/*.test.ts']),
];
const child = spawn(process.execPath, [...process.execArgv, ...args], { stdio: 'inherit' });
child.on('exit', (code, signal) => {
  process.exitCode = signal ? 1 : (code ?? 1);
});
