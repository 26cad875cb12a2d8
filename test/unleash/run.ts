// `npm run test:unleash`: installs a real Unleash server in this folder, unless it is there, and runs the tests with it.
import { spawnSync } from 'node:child_process';
import { skipped } from './server.ts';

function run(command: string, args: readonly string[]): number {
  return spawnSync(command, args, { stdio: 'inherit', shell: process.platform === 'win32' }).status ?? 1;
}

const folder = 'test/unleash';
const install = ['ci', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', folder];
process.exitCode = (skipped ? run('npm', install) : 0) || run('npm', ['test', '--', `${folder}/*.test.ts`]);
