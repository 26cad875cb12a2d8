// The last known flags, kept in a file to start from while their server cannot be reached.
import { mkdir, readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { replaceFile } from '../ledger/replace-file.ts';
import { type FeatureFile, parseFeatureFile } from './feature.ts';

/** Flags that do not change are stored anew this often, so that a start from them knows how old they are. */
const STORE_AGAIN_MS = 60_000;

export interface Backup {
  readonly file: FeatureFile;
  /** When it was known to be what the server says. */
  readonly atMs: number;
}

export interface FlagsBackup {
  /** Undefined without a file. @throws when it cannot be used. */
  load(): Promise<Backup | undefined>;
  /** Stores the flags in its own time; what comes meanwhile replaces what waits. */
  keep(file: FeatureFile): void;
  /** Why flags are not being stored, or undefined. */
  problem(): string | undefined;
  /** What was kept is stored, or has failed. */
  close(): Promise<void>;
}

export function openBackup(path: string, nowMs: () => number): FlagsBackup {
  const target = resolve(path);
  let kept: FeatureFile | undefined;
  let storedAtMs = Number.NEGATIVE_INFINITY;
  let problem: string | undefined;
  let writing: Promise<void> | undefined;

  async function write(): Promise<void> {
    let stored: FeatureFile | undefined;
    while (kept && kept !== stored) {
      stored = kept;
      try {
        await mkdir(dirname(target), { recursive: true });
        await replaceFile(target, `${JSON.stringify(stored)}\n`);
        problem = undefined;
      } catch (error) {
        problem = `the flags' backup ${path} cannot be written (${(error as Error).message}): a start without Unleash would not know them; make room or correct its permissions`;
      }
      storedAtMs = nowMs(); // Also when it failed: a full disk is not tried again at once.
    }
  }

  return {
    async load() {
      try {
        const file = parseFeatureFile(await readFile(target, 'utf8'));
        return { file, atMs: (await stat(target)).mtimeMs };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw error;
      }
    },
    keep(file) {
      if (file === kept && nowMs() - storedAtMs < STORE_AGAIN_MS) return;
      kept = file;
      writing ??= write().finally(() => {
        writing = undefined;
      });
    },
    problem: () => problem,
    close: async () => await writing,
  };
}
