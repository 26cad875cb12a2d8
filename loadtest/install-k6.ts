// Builds k6 once with Go, into a cache that outlives this checkout.
import { spawnSync } from 'node:child_process';
import { mkdirSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import process from 'node:process';
import { environmentWith } from '../config/loadtest.ts';
import { EXIT, LoadtestError } from './exit.ts';
import { builtK6, HOW_TO_GET, K6_VERSION, onPath } from './find-k6.ts';

const MODULE = `go.k6.io/k6/v2@v${K6_VERSION}`;
/** Two idle cores take two minutes when nothing is cached, busy ones several times as long. */
const BUILD_MS = 15 * 60_000;

/**
 * Builds this very version from its own module, by the versions and checksums that its go.mod and go.sum name; `go install` asks
 * besides for the newest version, which not every proxy of Go modules knows. Answers the file.
 * @throws {LoadtestError}
 */
export function installK6(say: (line: string) => void): string {
  const go = onPath('go');
  if (go === undefined) throw new LoadtestError(EXIT.error, `there is no Go here to build k6 with\n${HOW_TO_GET}`);
  const file = builtK6();
  mkdirSync(dirname(file), { recursive: true });
  say(`fetching ${MODULE}`);
  const { Dir: source }: { Dir?: string } = JSON.parse(run(go, ['mod', 'download', '-json', MODULE]));
  if (source === undefined) throw new LoadtestError(EXIT.error, `go knows no ${MODULE}`);
  say('building it: a few minutes, once');
  const unfinished = `${file}.${process.pid}`;
  run(go, [
    'build',
    '-C',
    source,
    '-mod=readonly',
    '-trimpath',
    '-buildvcs=false',
    '-ldflags=-s -w',
    '-o',
    unfinished,
    '.',
  ]);
  renameSync(unfinished, file);
  return file;
}

function run(go: string, args: readonly string[]): string {
  const { status, signal, error, stdout, stderr } = spawnSync(go, args, {
    ...{ encoding: 'utf8', timeout: BUILD_MS, maxBuffer: 16 * 1024 * 1024 },
    env: environmentWith({ CGO_ENABLED: '0', GOWORK: 'off', GOTOOLCHAIN: 'local' }),
  });
  if (status === 0) return stdout;
  const why = error?.message ?? signal ?? `${stdout}${stderr}`.trim().split('\n').slice(-5).join('\n');
  throw new LoadtestError(EXIT.error, `go ${args[0]} failed: ${why}\n${HOW_TO_GET}`);
}
