// `npm run check`: format, lint and types, all of them even when one fails, so that one run tells everything.
import { spawnSync } from 'node:child_process';

const CHECKS: readonly (readonly [name: string, ...args: string[]])[] = [
  ['format and lint', 'node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.'],
  ['types', 'node_modules/typescript/bin/tsc', '--noEmit'],
  ['types of the console', 'node_modules/typescript/bin/tsc', '--noEmit', '-p', 'gateway/console'],
  ['types of the load scripts', 'node_modules/typescript/bin/tsc', '--noEmit', '-p', 'loadtest/k6'],
];

let failed = false;
for (const [name, ...args] of CHECKS) {
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' });
  if (status !== 0) {
    failed = true;
    console.error(`check failed: ${name}`);
  }
}
process.exitCode = failed ? 1 : 0;
