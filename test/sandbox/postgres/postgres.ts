import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { Client } from 'pg';
import { eventually, within } from '../../helpers/deadline.ts';
import { freePort } from '../../helpers/free-port.ts';
import { identity, postgresHome, reachable } from './binaries.ts';

const USER = 'postgres';
const READY_MS = 30_000;
const STOP_MS = 15_000;
const LOG_CHARS_MAX = 32 * 1024;

/** Logical decoding, because a data job streams changes. Durability is Postgres's own default: it is quick enough. */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  wal_level: 'logical',
  max_wal_senders: '10',
  max_replication_slots: '10',
  max_connections: '100',
  timezone: 'UTC',
  log_timezone: 'UTC',
};

export interface Postgres {
  /** A connection string for the superuser and the default database. */
  readonly url: string;
  readonly port: number;
  /** The server's process id. */
  readonly pid: number;
  /** Settles when the server has ended, however that came about. */
  readonly exited: Promise<void>;
  /** The last part of the server's log. */
  log(): string;
  /** A fast shutdown: open connections are ended, so close pools first. */
  close(): Promise<void>;
  /** The same, in the word that all parts of the sandbox share. */
  stop(): Promise<void>;
}

export interface PostgresOptions {
  readonly dataDir: string;
  /** Loopback port; 0 or absent picks a free one. */
  readonly port?: number;
  /** A process group of its own, out of reach of a terminal's Ctrl-C. */
  readonly ownGroup?: boolean;
  /** Hears the process id at once, before the server answers. */
  readonly onSpawn?: (pid: number) => void;
}

/**
 * Starts an embedded Postgres on loopback with its data in `dataDir`, created when absent and reused otherwise, also
 * after a kill -9. As root it runs as nobody; where nobody cannot reach `dataDir`, a folder of the same fate in the
 * temporary directory is used instead (see `dataFolder`). Rejects when another live Postgres holds the folder or when
 * the platform's package is missing, with what to do.
 */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const home = postgresHome();
  const folder = dataFolder(options.dataDir);
  if (!existsSync(join(folder, 'PG_VERSION'))) initialise(home, folder);
  clearStaleLock(folder);
  // Postgres takes no port 0. Between this and its start somebody else may take the port; then it says so and ends.
  const port = options.port || (await freePort());
  const flags = Object.entries({ ...SETTINGS, port: String(port) }).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ]);
  const child = spawn(join(home, 'bin', 'postgres'), ['-D', folder, ...flags], {
    stdio: ['ignore', 'ignore', 'pipe'],
    cwd: folder,
    detached: options.ownGroup ?? false,
    ...identity(),
  });
  if (child.pid !== undefined) options.onSpawn?.(child.pid);
  const log = keepLog(child);
  const exited = new Promise<void>((done) => {
    child.once('close', () => done());
  });
  const stop = async (): Promise<void> => {
    child.kill('SIGINT'); // Postgres's "fast" shutdown.
    const impatient = setTimeout(() => child.kill('SIGQUIT'), STOP_MS);
    await exited.finally(() => clearTimeout(impatient));
  };
  const url = `postgres://${USER}@127.0.0.1:${port}/postgres`;
  try {
    await within(
      Promise.race([answering(url), exited.then(() => Promise.reject(new Error('it ended')))]),
      'it to answer',
      READY_MS,
    );
  } catch (error) {
    await stop();
    throw new Error(`the embedded Postgres in ${folder} did not start: ${log().trim()}`, { cause: error });
  }
  return { url, port, pid: child.pid ?? 0, exited, log, stop, close: stop };
}

/** Where the data really lives: `dataDir`, or a stand-in that nobody can reach, the same one at every start. */
export function dataFolder(dataDir: string): string {
  const wanted = resolve(dataDir);
  if (reachable(join(wanted, '..'))) return wanted;
  const name = createHash('sha256').update(wanted).digest('hex').slice(0, 16);
  return join(tmpdir(), `banyan-postgres-data-${name}`);
}

/** Initialises aside and renames into place: an interrupted initdb leaves a folder that looks finished but is not. */
function initialise(home: string, folder: string): void {
  const owner = identity();
  const aside = `${folder}.new`;
  rmSync(aside, { recursive: true, force: true });
  mkdirSync(dirname(folder), { recursive: true });
  mkdirSync(aside, { mode: 0o700 });
  if (owner) chownSync(aside, owner.uid, owner.gid);
  const args = ['-D', aside, '-U', USER, '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync', '--no-instructions'];
  const initdb = join(home, 'bin', 'initdb');
  const { status, stderr, error } = spawnSync(initdb, args, { encoding: 'utf8', cwd: aside, ...owner });
  if (status !== 0) {
    rmSync(aside, { recursive: true, force: true });
    throw new Error(`initdb failed in ${aside}: ${error?.message ?? stderr}`);
  }
  renameSync(aside, folder);
}

/**
 * After a kill -9 the lock file stays. Postgres removes it itself when its process id is free, but believes it when
 * the id meanwhile belongs to some other program; only then it is removed here.
 */
function clearStaleLock(folder: string): void {
  const file = join(folder, 'postmaster.pid');
  if (!existsSync(file)) return;
  const pid = Number(readFileSync(file, 'utf8').split('\n', 1)[0]);
  const command = commandOf(pid);
  if (command === undefined) return;
  const [program = ''] = command.split(/[\0 ]/, 1);
  if (!/(^|\/)postgres$/.test(program)) {
    rmSync(file, { force: true });
    return;
  }
  throw new Error(`another Postgres (process ${pid}) is running in ${folder}; stop it first`);
}

/** The command line of a live process, or undefined. */
function commandOf(pid: number): string | undefined {
  if (!Number.isInteger(pid) || pid <= 1) return undefined;
  if (existsSync('/proc/self/cmdline')) {
    const file = `/proc/${pid}/cmdline`;
    return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  }
  const { stdout } = spawnSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
  return stdout?.trim() || undefined;
}

function keepLog(child: ChildProcess): () => string {
  let kept = '';
  child.on('error', (error) => {
    kept += `${error.message}\n`;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    kept = (kept + text).slice(-LOG_CHARS_MAX);
  });
  return () => kept;
}

async function answering(connectionString: string): Promise<void> {
  await eventually(
    async () => {
      const client = new Client({ connectionString });
      client.on('error', () => {}); // A refused or broken connection is what is being waited out.
      return client.connect().then(
        () => client.end().then(() => true),
        () => false,
      );
    },
    'Postgres to accept a connection',
    READY_MS,
  );
}
