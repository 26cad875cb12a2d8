// Flags: evaluated by unleash-client, whatever their source. The port, and the provider that keeps them in a file.
import { watch } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { replaceFile } from '../ledger/replace-file.ts';
import { createEvaluator, FeatureSource, NO_FEATURES } from './evaluator.ts';
import { type FeatureFile, parseFeatureFile, rolloutPercent, withRollout } from './feature.ts';

/** A flag and how far it is to be rolled out. */
export interface FlagChange {
  readonly flag: string;
  readonly percent: number;
  readonly groupId: string;
}

/**
 * The flags of all routes. Reading never waits and never fails: without its source the last known flags hold, and an
 * unknown flag is off. `set` answers when its changes are stored and in force, all of them or none. It asks `mayStill` right
 * before it writes, and rejects with `fenced` where that says no.
 */
export interface Flags {
  isEnabled(flag: string, identity: string): boolean;
  exists(flag: string): boolean;
  /** Share of identities for which the flag is on, 0 to 100. */
  percent(flag: string): number;
  /** All flags as they are defined now; another object after every change. */
  definitions(): FeatureFile;
  set(changes: readonly FlagChange[], mayStill?: () => boolean): Promise<void>;
  /**
   * Makes those flags that do not exist, and leaves the others alone. What a server cannot make now, it makes as soon as it
   * can; that is a problem() and no rejection.
   */
  ensure(changes: readonly FlagChange[]): Promise<void>;
  /** Calls back after every change, whoever made it. */
  onChange(listener: () => void): void;
  /** What is wrong with the source now, or undefined. */
  problem(): string | undefined;
  /** For how long the flags in force may differ from their source, in milliseconds; 0 while it can be read. */
  staleMs(): number;
  close(): void | Promise<void>;
}

/**
 * Flags were not moved. `conflict`: as they are, they cannot be; `source`: their source failed, or refused; `fenced`: who
 * wanted it may not move them any more.
 */
export class FlagsError extends Error {
  readonly kind: 'conflict' | 'source' | 'fenced';

  constructor(kind: FlagsError['kind'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'FlagsError';
    this.kind = kind;
  }
}

/** @throws {FlagsError} fenced, where it is too late to write. */
export function refuseLate(mayStill: (() => boolean) | undefined): void {
  if (mayStill && !mayStill()) throw new FlagsError('fenced', 'another gateway leads by now');
}

/** Editors write a file in several steps; one reading after the last of them is enough. */
const SETTLE_MS = 20;

/**
 * Flags in a local file of Unleash's feature JSON. Without a file there are no flags yet; one that breaks or goes away
 * later leaves the last good ones in force.
 */
export async function openFileFlags(path: string): Promise<Flags> {
  const file = resolve(path);
  await mkdir(dirname(file), { recursive: true });
  const source = new FeatureSource();
  let problem: string | undefined;
  let goodAtMs = Date.now();
  let turn: Promise<void> = Promise.resolve();
  let settling: NodeJS.Timeout | undefined;

  async function load(): Promise<void> {
    try {
      const content = await readFeatureFile(file);
      if (!content && source.file !== NO_FEATURES) throw new Error('the file is gone');
      problem = undefined;
      source.replace(content ?? NO_FEATURES);
    } catch (error) {
      if (problem === undefined) goodAtMs = Date.now();
      problem = `${path}: ${(error as Error).message}; the last good flags stay in force`;
      source.emit('trouble');
    }
  }

  async function write(changes: readonly FlagChange[], mayStill?: () => boolean): Promise<void> {
    // Read anew: the file may have been edited a moment ago, and an edit must not be lost.
    const content = (await readFeatureFile(file)) ?? source.file;
    const features = new Map(content.features.map((feature) => [feature.name, feature]));
    for (const { flag, percent, groupId } of changes) {
      features.set(flag, withRollout(features.get(flag), flag, percent, groupId));
    }
    const text = `${JSON.stringify({ ...content, features: [...features.values()] }, null, 2)}\n`;
    await replaceFile(file, text, () => refuseLate(mayStill));
    problem = undefined;
    source.replace(parseFeatureFile(text)); // As the watcher will read it, so that it finds nothing new.
  }

  /** One reading or writing at a time: a reading that began before a change must not undo it. */
  function inTurn(work: () => Promise<void>): Promise<void> {
    const done = turn.then(work);
    turn = done.catch(() => {}); // The caller hears of a failure; the next change must still be tried.
    return done;
  }

  // Before the first reading, so that no edit falls between the two and is never seen.
  // The whole folder: an editor replaces the file, and a mounted volume switches a link beside it.
  const watcher = watch(dirname(file), { persistent: false }, () => {
    clearTimeout(settling);
    settling = setTimeout(() => void inTurn(load), SETTLE_MS);
  });
  watcher.on('error', (error) => {
    problem = `${path} is no longer watched (${error.message}); restart to see edits`;
  });
  await inTurn(load);

  return {
    isEnabled: createEvaluator(source, { appName: 'banyan' }),
    exists: (flag) => source.getToggle(flag) !== undefined,
    percent: (flag) => rolloutPercent(source.getToggle(flag)),
    definitions: () => source.file,
    set: (changes, mayStill) => inTurn(() => write(changes, mayStill)),
    async ensure(changes) {
      const missing = changes.filter(({ flag }) => source.getToggle(flag) === undefined);
      if (missing.length > 0) await inTurn(() => write(missing));
    },
    onChange: (listener) => void source.on('changed', listener),
    problem: () => problem,
    staleMs: () => (problem === undefined ? 0 : Date.now() - goodAtMs),
    close() {
      clearTimeout(settling);
      watcher.close();
    },
  };
}

/** Undefined without a file. */
async function readFeatureFile(file: string): Promise<FeatureFile | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  return parseFeatureFile(text);
}
