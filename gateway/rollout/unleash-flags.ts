// Flags on an Unleash server: read by a client token, made and moved by an admin token where there is one.
import type { FlagTokens } from '../../config/flag-tokens.ts';
import type { UnleashConfig } from '../../config/flags-schema.ts';
import { contextOf, createEvaluator, FeatureSource } from './evaluator.ts';
import { type FeatureFile, rolloutPercent } from './feature.ts';
import { type FlagChange, type Flags, FlagsError } from './flags.ts';
import { type FlagsBackup, openBackup } from './flags-backup.ts';
import { waitAtMost } from './patience.ts';
import { UnleashAdmin } from './unleash-admin.ts';
import { createCaller } from './unleash-http.ts';
import { UnleashReader } from './unleash-reader.ts';

/**
 * How long a start waits for the server's flags, and then for those to be made that it lacks. After that the backup
 * holds, or every flag is off, until it has answered.
 */
const PATIENCE_MS = 2_000;

export interface UnleashFlagsDeps {
  readonly config: UnleashConfig;
  readonly tokens: FlagTokens;
  readonly nowMs?: () => number;
  /** How long the server may take for one request. */
  readonly timeoutMs?: number;
  readonly patienceMs?: number;
  readonly backoffMsMax?: number;
}

/** Never rejects because of the server: without it the flags of the backup hold, or every flag is off. */
export async function openUnleashFlags(deps: UnleashFlagsDeps): Promise<Flags> {
  const flags = new UnleashFlags(deps, new FeatureSource());
  await flags.start();
  return flags;
}

class UnleashFlags implements Flags {
  readonly #deps: UnleashFlagsDeps;
  readonly #source: FeatureSource;
  readonly #backup: FlagsBackup;
  readonly #reader: UnleashReader;
  /** Undefined where flags are moved in Unleash only. */
  readonly #admin: UnleashAdmin | undefined;
  readonly #stop = new AbortController();
  readonly #patienceMs: number;
  /** The flags of all routes, and those of them that are still to be made. */
  #wanted: readonly FlagChange[] = [];
  #unmade: readonly FlagChange[] = [];
  #makeProblem: string | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  readonly isEnabled: Flags['isEnabled'];

  constructor(deps: UnleashFlagsDeps, source: FeatureSource) {
    const { config, tokens, timeoutMs, backoffMsMax, nowMs = Date.now } = deps;
    const callWith = (token: string) =>
      createCaller({
        ...{ url: config.url, appName: config.appName, token, stop: this.#stop.signal },
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
      });
    this.#deps = deps;
    this.#patienceMs = deps.patienceMs ?? PATIENCE_MS;
    this.#source = source;
    this.isEnabled = createEvaluator(source, contextOf(config));
    this.#backup = openBackup(config.backupFile, nowMs);
    this.#admin = tokens.admin === undefined ? undefined : new UnleashAdmin(callWith(tokens.admin), config);
    this.#reader = new UnleashReader({
      ...{ config, source, backup: this.#backup, nowMs, backoffMsMax, call: callWith(tokens.client) },
      onAnswer: () => {
        if (this.#unmade.length > 0) void this.#inTurn(() => this.#makeMissing());
      },
    });
  }

  start(): Promise<void> {
    return this.#reader.start(this.#patienceMs);
  }

  exists(flag: string): boolean {
    return this.#source.getToggle(flag) !== undefined;
  }

  percent(flag: string): number {
    return rolloutPercent(this.#source.getToggle(flag));
  }

  definitions(): FeatureFile {
    return this.#source.file;
  }

  ensure(changes: readonly FlagChange[]): Promise<void> {
    this.#wanted = changes;
    this.#unmade = this.#admin ? changes : [];
    return waitAtMost(
      this.#patienceMs,
      this.#inTurn(() => this.#makeMissing()),
    );
  }

  set(changes: readonly FlagChange[], mayStill?: () => boolean): Promise<void> {
    return this.#inTurn(async () => {
      const admin = this.#admin;
      if (!admin) throw new FlagsError('conflict', NO_ADMIN);
      try {
        await admin.move(changes, mayStill);
        this.#reader.moved(changes);
      } finally {
        this.#reader.hurry(); // After a failure too: what holds now, only the server knows.
      }
    });
  }

  onChange(listener: () => void): void {
    this.#source.on('changed', listener);
  }

  problem(): string | undefined {
    const { config } = this.#deps;
    const missing = this.#reader.hasAnswered ? this.#wanted.filter(({ flag }) => !this.exists(flag)) : [];
    const names = missing.map(({ flag }) => flag).join(', ');
    const problems = [
      this.#reader.problem(),
      this.#makeProblem,
      names === ''
        ? undefined
        : `Unleash does not answer these flags, and so they are off: ${names}; make them in its project ${config.project}, or bring them back from its archive`,
      this.#backup.problem(),
    ];
    return problems.filter((problem) => problem !== undefined).join('. ') || undefined;
  }

  staleMs(): number {
    return this.#reader.staleMs();
  }

  async close(): Promise<void> {
    this.#reader.close();
    this.#stop.abort();
    await this.#backup.close();
  }

  /** Makes the flags that the server lacks. What fails is tried again after its next answer. */
  async #makeMissing(): Promise<void> {
    const admin = this.#admin;
    if (!admin || !this.#reader.hasAnswered) return;
    this.#makeProblem = undefined;
    this.#unmade = this.#unmade.filter(({ flag }) => !this.exists(flag) || admin.isBegun(flag));
    for (const change of this.#unmade) {
      try {
        if (await admin.create(change)) this.#reader.moved([change]);
      } catch (error) {
        const { adminTokenEnv } = this.#deps.config;
        this.#makeProblem = `Unleash ${(error as Error).message} when asked to make the flag ${change.flag}; see its log, and check the token in ${adminTokenEnv}`;
        return;
      }
      this.#unmade = this.#unmade.filter((each) => each !== change);
    }
  }

  /** One change at a time. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {});
    return done;
  }
}

const NO_ADMIN =
  'this gateway may not change flags: move them in Unleash, or give it a token for that (flags.adminTokenEnv)';
