// Reads the flags of an Unleash server, again and again, and puts them in force. Not with unleash-client, which stops
// asking for good once a token is refused: it only evaluates. Whatever becomes of the server, the last known flags hold.
import { isDeepStrictEqual } from 'node:util';
import type { FeatureInterface } from 'unleash-client/lib/feature.js';
import type { UnleashConfig } from '../../config/flags-schema.ts';
import type { FeatureSource } from './evaluator.ts';
import { type FeatureFile, parseFeatureFile, rolloutPercent, withRollout } from './feature.ts';
import type { FlagChange } from './flags.ts';
import type { FlagsBackup } from './flags-backup.ts';
import { waitAtMost } from './patience.ts';
import { type Poll, startPoll } from './poll.ts';
import { type UnleashCaller, UnleashError } from './unleash-http.ts';

/** How long the server may still answer what was before a change made here: it looks for changes once a second itself. */
const CATCH_UP_MS = 2_000;

/** A flag moved here that the server may not answer yet. */
interface Ahead {
  readonly change: FlagChange;
  /** As the server answered it before. */
  readonly before: FeatureInterface | undefined;
  readonly untilMs: number;
}

export interface ReaderDeps {
  readonly config: UnleashConfig;
  readonly call: UnleashCaller;
  readonly source: FeatureSource;
  readonly backup: FlagsBackup;
  readonly nowMs: () => number;
  readonly backoffMsMax: number | undefined;
  /** Called after every good answer. */
  readonly onAnswer: () => void;
}

export class UnleashReader {
  readonly #deps: ReaderDeps;
  #answered: FeatureFile | undefined;
  #etag: string | undefined;
  #goodAtMs: number;
  #problem: string | undefined = 'it has not answered yet';
  #startedFrom = 'every route is legacy until it answers';
  /** Until then the server may not answer yet what was moved just before the start. */
  #backupHoldsUntilMs = Number.NEGATIVE_INFINITY;
  #poll: Poll | undefined;
  readonly #ahead = new Map<string, Ahead>(); // At most one per flag of a route.

  constructor(deps: ReaderDeps) {
    this.#deps = deps;
    this.#goodAtMs = deps.nowMs();
  }

  /** Starts asking. Resolves when the first answer is in force, or has failed, or after so long. */
  async start(firstAnswerMs: number): Promise<void> {
    await this.#startFromBackup();
    const { config, backoffMsMax } = this.#deps;
    this.#poll = startPoll({
      ask: () => this.#ask(),
      intervalMs: config.refreshIntervalMs,
      ...(backoffMsMax === undefined ? {} : { backoffMsMax }),
    });
    await waitAtMost(firstAnswerMs, this.#poll.first);
  }

  /** Whether the server has answered since the start. */
  get hasAnswered(): boolean {
    return this.#answered !== undefined;
  }

  /** What was moved holds here from now on, though the server may not answer it yet. */
  moved(changes: readonly FlagChange[]): void {
    const nowMs = this.#deps.nowMs();
    const untilMs = nowMs + CATCH_UP_MS;
    for (const change of changes) {
      const before = this.#answered?.features.find(({ name }) => name === change.flag);
      this.#ahead.set(change.flag, { change, before, untilMs });
    }
    this.#putInForce(nowMs);
  }

  /** Asks the server at once. */
  hurry(): void {
    this.#poll?.hurry();
  }

  /** What is wrong, what holds meanwhile, and what to do; or undefined. */
  problem(): string | undefined {
    if (this.#problem === undefined) return undefined;
    const hold = this.#answered ? 'the last known flags hold' : this.#startedFrom;
    return `Unleash at ${this.#deps.config.url}: ${this.#problem}; ${hold}`;
  }

  staleMs(): number {
    return this.#problem === undefined ? 0 : Math.max(0, this.#deps.nowMs() - this.#goodAtMs);
  }

  close(): void {
    this.#poll?.close();
  }

  async #startFromBackup(): Promise<void> {
    const { backup, source, config } = this.#deps;
    try {
      const kept = await backup.load();
      if (!kept) return;
      source.replace(kept.file);
      this.#goodAtMs = kept.atMs;
      this.#backupHoldsUntilMs = kept.atMs + CATCH_UP_MS;
      this.#startedFrom = 'the flags of the backup hold';
    } catch (error) {
      const why = `its backup ${config.backupFile} cannot be used (${(error as Error).message})`;
      this.#startedFrom = `${why}, so ${this.#startedFrom}`;
    }
  }

  async #ask(): Promise<void> {
    const { call, config, nowMs, onAnswer } = this.#deps;
    const askedAtMs = nowMs();
    const path = `/client/features?project=${encodeURIComponent(config.project)}`;
    try {
      const answer = await call({ method: 'GET', path, etag: this.#etag });
      if (answer.status !== 304) this.#answered = featuresIn(answer.text);
      this.#etag = answer.etag;
    } catch (error) {
      this.#problem = adviceOn(error, config);
      throw error;
    }
    this.#problem = undefined;
    this.#goodAtMs = askedAtMs;
    if (askedAtMs >= this.#backupHoldsUntilMs) this.#putInForce(askedAtMs);
    onAnswer();
  }

  /** What the server has answered, but for what was moved here since. */
  #putInForce(askedAtMs: number): void {
    const { source, backup } = this.#deps;
    const { features, ...rest } = this.#answered ?? source.file;
    const merged = new Map(features.map((feature) => [feature.name, feature]));
    for (const [flag, ahead] of this.#ahead) {
      const feature = merged.get(flag);
      const { percent, groupId } = ahead.change;
      if (askedAtMs >= ahead.untilMs || !isBehind(feature, ahead)) this.#ahead.delete(flag);
      else if (feature && percent === 0) merged.set(flag, { ...feature, enabled: false });
      else merged.set(flag, withRollout(feature, flag, percent, groupId));
    }
    source.replace({ ...rest, features: [...merged.values()] });
    backup.keep(source.file);
  }
}

/** Whether a flag is as it was before the change, or half way there. Whatever else it is, somebody has moved it since. */
function isBehind(feature: FeatureInterface | undefined, { before, change }: Ahead): boolean {
  if (isDeepStrictEqual(feature, before)) return true;
  if (!feature || feature.enabled !== (before?.enabled ?? false)) return false;
  if (rolloutPercent(feature) === change.percent) return false;
  return feature.strategies?.length === 0 || rolloutPercent({ ...feature, enabled: true }) === change.percent;
}

/** Only what decides: the rest changes with every flag of every project. */
function featuresIn(text: string): FeatureFile {
  try {
    const { version, features, segments } = parseFeatureFile(text);
    return { version, features, ...(segments ? { segments } : {}) };
  } catch (error) {
    throw new UnleashError(`answers something else than flags (${(error as Error).message.slice(0, 100)})`);
  }
}

/** What went wrong with reading, and what to do about it. */
function adviceOn(error: unknown, { tokenEnv, environment }: UnleashConfig): string {
  const status = error instanceof UnleashError ? error.status : undefined;
  const what = (error as Error).message;
  if (status === 401 || status === 403)
    return `it ${what}; check that ${tokenEnv} holds a valid client token of the environment ${environment}`;
  if (status === 404) return `it ${what}; check flags.url, which ends with the path of the API`;
  if (status === 429) return `it ${what}; raise flags.refreshIntervalMs`;
  if (status !== undefined) return `it ${what}; see its own log`;
  return `it ${what}; check that it runs, and flags.url`;
}
