// Gives targets inputs that nobody has thought of, until the time or the number of runs is up.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { within } from '../helpers/deadline.ts';
import { createRandom, mutate } from './mutate.ts';

/** Inputs that were found to break something once; each stays broken or mended, never forgotten. */
const CORPUS = join(import.meta.dirname, 'corpus');
/** One input takes milliseconds; what takes this long hangs. */
const INPUT_LIMIT_MS = 10_000;

export interface FuzzTarget {
  readonly name: string;
  /** Inputs as they should be, from which the others are made. */
  readonly seeds: readonly (string | Uint8Array)[];
  /** What means something to the target, to be put in anywhere. */
  readonly tokens?: readonly string[];
  /** How often the others are run for one run of this one, which takes longer. */
  readonly everyNth?: number;
  /** Throws, or rejects, when the input breaks what the target promises. `random` is for choices beside the input. */
  run(input: Buffer, random: () => number): void | Promise<void>;
  close?(): Promise<void>;
}

export interface Finding {
  readonly target: string;
  readonly input: Buffer;
  readonly error: Error;
}

export interface FuzzOptions {
  readonly seed: number;
  /** Whether to go on, after so many rounds. */
  readonly goesOn: (rounds: number) => boolean;
}

export interface FuzzResult {
  /** Inputs that were tried, by target. */
  readonly runs: ReadonlyMap<string, number>;
  /** One of each target at most: a target that was broken is left alone from then on. */
  readonly findings: readonly Finding[];
}

/** What is kept of a target's findings: files below test/fuzz/corpus/TARGET. */
export function keptInputs(target: string): Buffer[] {
  return globSync(`${target}/*`, { cwd: CORPUS })
    .sort()
    .map((file) => readFileSync(join(CORPUS, file)));
}

export async function fuzz(targets: readonly FuzzTarget[], { seed, goesOn }: FuzzOptions): Promise<FuzzResult> {
  const random = createRandom(seed);
  const runs = new Map<string, number>(); // One per target.
  const findings: Finding[] = [];
  const broken = new Set<string>();
  const corpora = new Map(
    targets.map(({ name, seeds }) => [name, [...seeds.map((each) => bytesOf(each)), ...keptInputs(name)]]),
  );

  async function tryOut(target: FuzzTarget, input: Buffer): Promise<void> {
    runs.set(target.name, (runs.get(target.name) ?? 0) + 1);
    try {
      await within(Promise.resolve(target.run(input, random)), `${target.name} to end`, INPUT_LIMIT_MS);
    } catch (thrown) {
      broken.add(target.name);
      const error = thrown instanceof Error ? thrown : new Error(`threw ${String(thrown)}`);
      findings.push({ target: target.name, input, error });
    }
  }

  for (const target of targets) {
    for (const input of corpora.get(target.name) ?? []) if (!broken.has(target.name)) await tryOut(target, input);
  }
  for (let round = 0; goesOn(round); round++) {
    for (const target of targets) {
      if (broken.has(target.name) || round % (target.everyNth ?? 1) !== 0) continue;
      const corpus = corpora.get(target.name) ?? [];
      await tryOut(target, mutate({ corpus, tokens: target.tokens ?? [], random }));
    }
  }
  return { runs, findings };
}

/** Texts are bytes by latin1, so that any byte can be written down. */
function bytesOf(seed: string | Uint8Array): Buffer {
  return typeof seed === 'string' ? Buffer.from(seed, 'latin1') : Buffer.from(seed);
}
