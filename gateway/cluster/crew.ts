// The workers as those who serve: what they say, who of them follows what is in force, and who may listen.
import type { RateLimiter } from '../http/rate-limiter.ts';
import type { Decisions, Instance, ServingDeps } from '../serving.ts';
import { answerAsks } from './asked-rates.ts';
import { createFleet, type FleetWorker } from './fleet.ts';
import { createMeasuring } from './measuring.ts';
import type { FromWorker } from './messages.ts';
import type { Reports } from './reports.ts';
import { shareIds } from './shared-ids.ts';
import { stateOf } from './shared-state.ts';
import { createSpread, type Follower, type Spread } from './spread.ts';

export interface Crew {
  /** Starts the workers; answers where they listen once all do. @throws when one of them cannot. */
  start(decisions: Decisions, place: ReservedPlace): Promise<string>;
  /** How the workers are told what is in force; undefined before the start. */
  readonly spread: Spread | undefined;
  instances(): readonly Instance[];
  problem(): string | undefined;
  /** Asks all who serve for their metrics as they are now. */
  measure(): Promise<void>;
  stop(delayMs: number): Promise<void>;
}

/** Where workers are to listen. */
export interface ReservedPlace {
  readonly hostPort: string;
  /** Lets go of the port, where it was held for them. To be called before any of them listens; more often does no harm. */
  release(): Promise<void>;
}

export interface CrewParts {
  /** How many workers. */
  readonly count: number;
  readonly reports: Reports;
  /** Counts for all of them. */
  readonly rates: RateLimiter;
}

export function createCrew(deps: ServingDeps, { count, reports, rates }: CrewParts): Crew {
  const { metrics, log, now } = deps;
  const followers = new Map<FleetWorker, Follower>(); // Of those that are loaded.
  const serving = new Set<FleetWorker>();
  const measuring = createMeasuring();
  const tellIds = shareIds(deps.ids, () => followers.keys());
  let spread: Spread | undefined;
  let listenOn: ReservedPlace | undefined;
  let started: { resolve(address: string): void; reject(error: Error): void } | undefined;

  const onMessages: { readonly [Kind in FromWorker['kind']]: OnMessage<Kind> } = {
    loaded(worker) {
      const follower: Follower = { send: worker.send, dismiss: () => worker.kill('unresponsive') };
      followers.set(worker, follower);
      spread?.add(follower);
      tellIds(worker);
    },
    applied(worker, { version }) {
      const follower = followers.get(worker);
      if (!spread || !follower) return;
      spread.applied(follower, version);
      if (listenOn && spread.admit(follower)) void letListen(worker, listenOn);
    },
    listening(worker, { address }) {
      serving.add(worker);
      metrics.workers.set(serving.size);
      fleet.arrived(worker);
      if (serving.size === count) started?.resolve(address);
    },
    closed: (worker) => worker.send({ kind: 'released' }),
    failed(worker, { message }) {
      log.error({ worker: worker.pid, problem: message }, 'worker cannot serve');
      started?.reject(new Error(message));
    },
    consume: async (worker, { asks }) => worker.send({ kind: 'consumed', answers: await answerAsks(rates, asks) }),
    report: (worker, { report }) => reports.take(worker.id, report),
    metrics(worker, message) {
      reports.takeMetrics(worker.id, message.metrics);
      measuring.answered(message.request);
    },
  };

  const fleet = createFleet({
    ...{ count, metrics, log, now },
    onMessage: (worker, message) => (onMessages[message.kind] as OnMessage)(worker, message),
    onEnded(worker) {
      const follower = followers.get(worker);
      if (follower) spread?.remove(follower);
      followers.delete(worker);
      serving.delete(worker);
      metrics.workers.set(serving.size);
      started?.reject(new Error(`a worker ended before all ${count} of them listened; the log has its last words`));
    },
    onSilent: ({ id }) => reports.retire(id),
  });

  return {
    get spread() {
      return spread;
    },
    start(decisions, place) {
      listenOn = place;
      const begun = createSpread({ state: stateOf(deps, decisions, count) });
      spread = begun;
      decisions.onChange(() => void begun.publish());
      const address = new Promise<string>((resolve, reject) => {
        started = { resolve, reject };
      });
      fleet.start();
      return address;
    },
    instances: () =>
      [...fleet.workers].map((worker) => {
        const follower = followers.get(worker);
        const version = (follower && spread?.versionOf(follower)) ?? 0;
        return instanceOf(worker, { isServing: serving.has(worker), version, requests: reports.answered(worker.id) });
      }),
    problem() {
      const missing = count - serving.size;
      if (missing === 0 || !started) return undefined;
      return `${missing} of ${count} workers do not serve; the last to end was ${fleet.lastEnd() ?? 'none'}`;
    },
    measure: () => measuring.ask([...serving].map(({ send }) => send)),
    stop: (delayMs) => fleet.stop(delayMs),
  };
}

async function letListen(worker: FleetWorker, { hostPort, release }: ReservedPlace): Promise<void> {
  await release();
  worker.send({ kind: 'listen', hostPort });
}

function instanceOf(
  { pid, startedAt }: FleetWorker,
  { isServing, ...known }: { isServing: boolean; version: number; requests: number },
): Instance {
  return { pid, startedAt: startedAt.toISOString(), state: isServing ? 'serving' : 'starting', ...known };
}

type OnMessage<Kind extends FromWorker['kind'] = FromWorker['kind']> = (
  worker: FleetWorker,
  message: Extract<FromWorker, { kind: Kind }>,
) => void;
