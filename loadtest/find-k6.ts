// Which k6 runs the scripts: the one that K6_BIN names, one on PATH, one built here before, or Docker's.
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { commandFolders, loadtestCache, namedK6 } from '../config/loadtest.ts';
import { EXIT, LoadtestError } from './exit.ts';

/** The version that is built or pulled, and that the scripts were written for. */
export const K6_VERSION = '2.2.0';
const PROBE_MS = 10_000;
const SCRIPTS = fileURLToPath(new URL('k6', import.meta.url));
const SCRIPTS_IN_CONTAINER = '/loadtest';

/** How to start k6. */
export interface K6 {
  readonly command: string;
  /** What comes before k6's own arguments. */
  readonly before: readonly string[];
  /** The script as k6 sees it. */
  readonly script: string;
  /** Its version, and where it was found, for people. */
  readonly version: string;
  readonly from: string;
}

/** Where a k6 that was built here is. */
export const builtK6 = (): string =>
  join(loadtestCache(), `k6-v${K6_VERSION}${process.platform === 'win32' ? '.exe' : ''}`);

export function onPath(name: string): string | undefined {
  const names = process.platform === 'win32' ? [`${name}.exe`] : [name];
  return commandFolders()
    .flatMap((folder) => names.map((each) => join(folder, each)))
    .find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The k6 to use, or undefined. @throws {LoadtestError} when K6_BIN names none, or one of another major version. */
export function findK6(): K6 | undefined {
  const named = namedK6();
  if (named !== undefined && !isExecutable(named))
    throw new LoadtestError(EXIT.usage, `K6_BIN names ${named}: not there, or not executable`);
  const local = [
    [named, 'K6_BIN'],
    [onPath('k6'), 'PATH'],
    [isExecutable(builtK6()) ? builtK6() : undefined, 'built here'],
  ] as const;
  for (const [command, from] of local) {
    if (command === undefined) continue;
    const version = versionOf(command);
    if (version?.startsWith('v2.'))
      return { command, before: [], script: join(SCRIPTS, 'main.ts'), version, from: `${command} (${from})` };
    if (from === 'K6_BIN')
      throw new LoadtestError(EXIT.usage, `${command} is not k6 v2 but ${version ?? 'something else'}`);
  }
  return dockerK6();
}

function versionOf(command: string): string | undefined {
  const { stdout } = spawnSync(command, ['version'], { encoding: 'utf8', timeout: PROBE_MS });
  return /\bv\d+\.\d+\.\d+\S*/.exec(stdout ?? '')?.[0];
}

/** The vendor's image, on the host's network, so that loopback is this machine's: Linux only. */
function dockerK6(): K6 | undefined {
  const command = process.platform === 'linux' ? onPath('docker') : undefined;
  if (command === undefined) return undefined;
  if (spawnSync(command, ['info'], { stdio: 'ignore', timeout: PROBE_MS }).status !== 0) return undefined;
  const image = `grafana/k6:${K6_VERSION}`;
  const before = [
    ...['run', '--rm', '-i', '--init', '--network', 'host', '-v', `${SCRIPTS}:${SCRIPTS_IN_CONTAINER}:ro`],
    ...['-e', 'BANYAN_LOAD', '-e', 'BANYAN_OPERATOR_TOKEN', image],
  ];
  return {
    command,
    before,
    script: `${SCRIPTS_IN_CONTAINER}/main.ts`,
    version: `v${K6_VERSION}`,
    from: `${image} (Docker)`,
  };
}

export const HOW_TO_GET = [
  `there is no k6 v2 here. One of these gets it:`,
  `  npm run loadtest -- install     builds v${K6_VERSION}, where Go is installed, into ${dirname(builtK6())}`,
  '  brew install k6, or the packages of https://grafana.com/docs/k6/latest/set-up/install-k6/',
  `  Docker, on Linux: grafana/k6:${K6_VERSION} is used where it runs`,
  '  K6_BIN=/path/to/k6 names one',
].join('\n');
